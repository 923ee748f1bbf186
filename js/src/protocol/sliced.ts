/** Work that the engine does in slices: it can be broken off between two of them. */
import { FerroliteError } from "../error.js";
import { aborted, assertGoesOn, isAborted } from "../arguments/signals.js";
import { quietly } from "./waiting.js";

/**
 * Makes a call that begins such work: `begin` is its text without the bracket at its end. With a signal it gets a name, by
 * which the engine is told to end it; it is over when the engine has answered so.
 */
export async function sliced(
  call: (text: string, signal?: AbortSignal) => Promise<unknown>,
  begin: string,
  signal: AbortSignal | undefined,
  verb: string,
): Promise<unknown> {
  assertGoesOn(signal, verb);
  if (signal === undefined) return call(`${begin}]`);
  const name = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
  const cancel = () => void quietly(() => call(`["cancel",${name}]`));
  signal.addEventListener("abort", cancel);
  try {
    return await call(`${begin},${name}]`, signal);
  } catch (thrown) {
    const isOurs = isAborted(signal) && thrown instanceof FerroliteError && thrown.code === "Aborted";
    throw isOurs ? aborted(signal, verb) : thrown;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}
