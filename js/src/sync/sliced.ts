/** Work that the engine does in slices: here it does all of them at once, so nothing can come in between. */
import { assertGoesOn } from "../arguments/signals.js";

/** Makes a call that begins such work: `begin` is its text without the bracket at its end. */
export function sliced(
  call: (text: string, signal?: AbortSignal) => unknown,
  begin: string,
  signal: AbortSignal | undefined,
  verb: string,
): unknown {
  assertGoesOn(signal, verb);
  return call(`${begin}]`);
}
