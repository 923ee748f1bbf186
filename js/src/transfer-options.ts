/** The arguments of `export` and of `Ferrolite.import`. */
import { FerroliteError } from "./error.js";
import { assertOpenArguments } from "./options.js";
import type { ExportOptions, ImportOptions, ImportSource, OpenOptions } from "./types.js";

/** Throws unless these are what `export` takes. */
export function assertExportOptions(options: unknown): asserts options is ExportOptions {
  const { signal: _, onProgress: __, ...rest } = (typeof options === "object" && options !== null ? options : { rest: 1 }) as ExportOptions;
  if (Object.keys(rest).length > 0) throw new FerroliteError("InvalidOptions", "the options of export are { signal, onProgress }");
  assertWatched(options as ExportOptions);
}

/** Takes the options of `open` out of those of `Ferrolite.import`; throws unless they are what it takes. */
export function splitImportOptions(name: unknown, source: unknown, options: unknown): { open: OpenOptions; watched: ExportOptions } {
  assertOpenArguments(name, options);
  const { signal, onProgress, ...open } = options as ImportOptions;
  const watched = { signal, onProgress };
  assertWatched(watched);
  if (!isSource(source)) {
    throw new FerroliteError(
      "InvalidOptions",
      "import takes the bytes of a database: a Blob, a Response, a ReadableStream of bytes, an ArrayBuffer or a Uint8Array",
    );
  }
  return { open, watched };
}

function assertWatched({ signal, onProgress }: ExportOptions): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new FerroliteError("InvalidOptions", "onProgress is a function");
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw new FerroliteError("InvalidOptions", "signal is an AbortSignal");
  }
  if (signal?.aborted === true) throw aborted();
}

function isSource(source: unknown): source is ImportSource {
  if (typeof source !== "object" || source === null) return false;
  if (ArrayBuffer.isView(source) || isBuffer(source)) return true;
  const { getReader, stream, body, [Symbol.asyncIterator]: iterator } = source as unknown as Record<PropertyKey, unknown>;
  return [getReader, stream, iterator].some((method) => typeof method === "function") || (typeof body === "object" && body !== null);
}

/** Whether it is an `ArrayBuffer`, of this realm or another. */
export function isBuffer(source: unknown): source is ArrayBuffer {
  return Object.prototype.toString.call(source) === "[object ArrayBuffer]";
}

/** What an export or an import that was broken off ends with. */
export function aborted(): FerroliteError {
  return new FerroliteError("Aborted", "it was broken off; what an import had written is removed");
}
