/** The arguments of `Ferrolite.import`, and feeding the engine with the bytes of a database, wherever they come from. */
import { FerroliteError } from "../error.js";
import { assertOpenArguments } from "../arguments/options.js";
import { isBytes } from "../arguments/realms.js";
import { kindOf } from "../brand.js";
import { aborted, assertGoesOn } from "../arguments/signals.js";
import { assertWatched } from "../arguments/transfer-options.js";
import type { ExportOptions, ImportOptions, ImportSource, OpenOptions } from "../types.js";

/** Bytes that are handed over at once. */
const CHUNK_BYTES = 256 << 10;

/** Takes one chunk after the other out of a source. */
interface Reader {
  /** How many bytes there are, where that is known. */
  readonly total: number | undefined;
  /** The next bytes; `undefined` behind the last ones. */
  read(): Promise<Uint8Array | undefined>;
  /** Says that nothing more is wanted. */
  cancel(reason: unknown): Promise<unknown>;
}

/** Takes the options of `open` out of those of `Ferrolite.import`; throws unless they are what it takes. The source is an `ownSource`. */
export function splitImportOptions(name: unknown, source: unknown, options: unknown): { open: OpenOptions; watched: ExportOptions } {
  assertOpenArguments(name, options);
  const { signal, onProgress, ...open } = options as ImportOptions;
  const watched = { signal, onProgress };
  assertWatched(watched, "import");
  if (!isSource(source)) {
    throw new FerroliteError(
      "InvalidOptions",
      "import takes the bytes of a database: a Blob, a Response, a ReadableStream of bytes, an ArrayBuffer or a Uint8Array",
    );
  }
  return { open, watched };
}

/**
 * Hands all bytes of `source` to `write`, each chunk once the one before it was taken. They are copies: a buffer of the
 * caller's stays as it is.
 */
export async function feed(
  source: ImportSource,
  { signal, onProgress }: ExportOptions,
  write: (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>,
): Promise<void> {
  const reader = readerOf(source);
  const stop = () => void reader.cancel(aborted(signal, "import")).catch(() => {});
  signal?.addEventListener("abort", stop);
  let done = 0;
  try {
    for (;;) {
      assertGoesOn(signal, "import");
      const bytes = await reader.read();
      assertGoesOn(signal, "import");
      if (bytes === undefined) return;
      for (let at = 0; at < bytes.byteLength; at += CHUNK_BYTES) {
        const chunk = bytes.slice(at, at + CHUNK_BYTES) as Uint8Array<ArrayBuffer>;
        done += chunk.byteLength;
        await write(chunk);
        onProgress?.(done, reader.total);
        assertGoesOn(signal, "import");
      }
    }
  } catch (thrown) {
    await reader.cancel(thrown).catch(() => {});
    assertGoesOn(signal, "import");
    throw FerroliteError.from(thrown, "Io", "the source of the import failed");
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

function readerOf(source: ImportSource): Reader {
  if (isBytes(source)) return readerOfBytes(source);
  if ("getReader" in source) return readerOfStream(source, undefined);
  if ("stream" in source) return readerOfStream(source.stream(), source.size);
  if ("body" in source) return readerOfStream(source.body as ReadableStream<Uint8Array>, undefined);
  return readerOfIterator((source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]());
}

function readerOfBytes(bytes: Uint8Array): Reader {
  let rest: Uint8Array | undefined = bytes;
  return {
    total: bytes.byteLength,
    async read() {
      const all = rest;
      rest = undefined;
      return all;
    },
    async cancel() {},
  };
}

function readerOfStream(stream: ReadableStream<Uint8Array>, total: number | undefined): Reader {
  const reader = stream.getReader();
  return {
    total,
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : checked(value);
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function readerOfIterator(iterator: AsyncIterator<Uint8Array>): Reader {
  return {
    total: undefined,
    async read() {
      const { done, value } = await iterator.next();
      return done === true ? undefined : checked(value);
    },
    cancel: async () => iterator.return?.(),
  };
}

function checked(chunk: unknown): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (kindOf(chunk) === "ArrayBuffer") return new Uint8Array(chunk as ArrayBuffer);
  throw new FerroliteError("InvalidOptions", "the source of an import gives bytes: chunks that are Uint8Arrays");
}

function isSource(source: unknown): source is ImportSource {
  if (typeof source !== "object" || source === null) return false;
  if (isBytes(source)) return true;
  const { getReader, stream, body, [Symbol.asyncIterator]: iterator } = source as unknown as Record<PropertyKey, unknown>;
  return [getReader, stream, iterator].some((method) => typeof method === "function") || (typeof body === "object" && body !== null);
}
