/** The options that `export` and `Ferrolite.import` have in common. */
import { assertSignal, plain } from "./check.js";
import { FerroliteError } from "../error.js";
import { assertGoesOn } from "./signals.js";
import type { ExportOptions } from "../types.js";

/** Throws unless these are what `export` takes. */
export function assertExportOptions(options: unknown): asserts options is ExportOptions {
  plain("InvalidOptions", "the options of export", options, ["signal", "onProgress"]);
  assertWatched(options as ExportOptions, "export");
}

/** Throws unless these can be used, and when the signal has come already. */
export function assertWatched({ signal, onProgress }: ExportOptions, verb: string): void {
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new FerroliteError("InvalidOptions", "onProgress is a function");
  }
  assertSignal(signal);
  assertGoesOn(signal, verb);
}
