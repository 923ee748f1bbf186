/** The arguments of `Ferrolite.salvage`. */
import { FerroliteError } from "./error.js";
import { assertName } from "./options.js";
import type { SalvageOptions } from "./types.js";

/** Throws unless these are what `Ferrolite.salvage` takes. */
export function assertSalvageArguments(name: unknown, out: unknown, options: unknown): asserts options is SalvageOptions {
  assertName(name);
  assertName(out);
  const { signal, onProgress, encryption: _, ...rest } = (typeof options === "object" && options !== null ? options : { rest: 1 }) as SalvageOptions;
  const isKnown = Object.keys(rest).length === 0 && (onProgress === undefined || typeof onProgress === "function");
  if (!isKnown || (signal !== undefined && typeof signal.addEventListener !== "function")) {
    throw new FerroliteError("InvalidOptions", "the options of salvage are { encryption, signal, onProgress }");
  }
  if (signal?.aborted === true) throw aborted();
}

/** What a salvage that was broken off ends with. */
export function aborted(): FerroliteError {
  return new FerroliteError("Aborted", "the salvage was broken off; what it had written is removed");
}
