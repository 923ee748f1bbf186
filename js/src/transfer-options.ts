/** The options that `export` and `Ferrolite.import` have in common. */
import { assertSignal, plain } from "./check.js";
import { FerroliteError } from "./error.js";
import type { ExportOptions } from "./types.js";

/** Throws unless these are what `export` takes. */
export function assertExportOptions(options: unknown): asserts options is ExportOptions {
  plain("InvalidOptions", "the options of export", options, ["signal", "onProgress"]);
  assertWatched(options as ExportOptions);
}

/** Throws unless these can be used, and when the signal has come already. */
export function assertWatched({ signal, onProgress }: ExportOptions): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new FerroliteError("InvalidOptions", "onProgress is a function");
  }
  assertSignal(signal);
  if (signal?.aborted === true) throw aborted();
}

/** What an export or an import that was broken off ends with. */
export function aborted(): FerroliteError {
  return new FerroliteError("Aborted", "it was broken off; what an import had written is removed");
}
