/** The arguments of `Ferrolite.salvage`. */
import { isSignal } from "./check.js";
import { FerroliteError } from "../error.js";
import { type Loading, splitLoading } from "./loading.js";
import { assertName } from "./options.js";
import { assertGoesOn } from "./signals.js";
import type { SalvageOptions } from "../types.js";

/** Takes the options about loading out of those of `Ferrolite.salvage`; throws unless they and the others are what it takes. */
export function splitSalvageOptions(
  name: unknown,
  out: unknown,
  options: unknown,
  ...host: [base: string | undefined, hasWorkers?: boolean]
): { loading: Loading; rest: SalvageOptions } {
  assertName(name);
  assertName(out);
  const given = (typeof options === "object" && options !== null ? options : { rest: 1 }) as SalvageOptions;
  const { loading, rest } = splitLoading(given, ...host);
  const { signal, onProgress, encryption: _, ...unknown } = rest;
  const isKnown = Object.keys(unknown).length === 0 && (onProgress === undefined || typeof onProgress === "function");
  if (!isKnown || (signal !== undefined && !isSignal(signal))) {
    throw new FerroliteError("InvalidOptions", "the options of salvage are { encryption, signal, onProgress }, and those about loading");
  }
  assertGoesOn(signal, "salvage");
  return { loading, rest };
}
