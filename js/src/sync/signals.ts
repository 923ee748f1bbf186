/** Signals where nothing can be waited for: they are looked at before and between. */
import { assertGoesOn } from "../arguments/signals.js";

/** What `work` has come to, unless it was broken off. */
export function abortable<T>(work: T, signal: AbortSignal | undefined, verb: string): T {
  assertGoesOn(signal, verb);
  return work;
}
