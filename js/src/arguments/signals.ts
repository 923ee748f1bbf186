/** Signals: how what takes long is broken off. `sync/signals.ts` has the same for verbs that give values. */
import { assertSignal, plain } from "./check.js";
import { FerroliteError } from "../error.js";
import type { SignalOptions } from "../types.js";

/** The signal among options that have no other field. */
export function signalOf(options: unknown, verb: string): AbortSignal | undefined {
  if (options === undefined) return undefined;
  plain("InvalidOptions", `${verb}'s options`, options, ["signal"]);
  const { signal } = options as { readonly signal?: AbortSignal | undefined };
  assertSignal(signal);
  return signal;
}

/** The signal among other options, and these without it. What is no options at all is left to who looks at the rest. */
export function splitSignal<O extends SignalOptions>(
  options: O | undefined,
  verb: string,
): { signal: AbortSignal | undefined; rest: Omit<O, "signal"> | undefined } {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return { signal: undefined, rest: options };
  const { signal, ...rest } = options;
  return { signal: signalOf({ signal }, verb), rest };
}

/** True if it was broken off; asked anew each time. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** Throws when it was broken off already. */
export function assertGoesOn(signal: AbortSignal | undefined, verb: string): void {
  if (isAborted(signal)) throw aborted(signal, verb);
}

/** The error of what a signal has aborted: named as everybody names such errors, with the signal's reason as its cause. */
export function aborted(signal: AbortSignal | undefined, verb: string, more = ""): FerroliteError {
  const error = new FerroliteError("Aborted", `${verb} was aborted by its signal${more}`, { cause: signal?.reason });
  return Object.defineProperty(error, "name", { value: "AbortError" });
}

/** What `work` comes to, or `Aborted` as soon as the signal says so; who asks for that lets go of what `work` still gives. */
export function abortable<T>(work: PromiseLike<T> | T, signal: AbortSignal | undefined, verb: string): Promise<T> {
  if (signal === undefined) return Promise.resolve(work);
  return new Promise((resolve, reject) => {
    const abort = () => reject(aborted(signal, verb));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    void Promise.resolve(work)
      .then(resolve, reject)
      .then(() => signal.removeEventListener("abort", abort));
  });
}

/** The database that is being opened; one that comes when nobody waits for it any more is closed. */
export async function openedUnlessAborted<T extends { close(): unknown }>(
  open: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  assertSignal(signal);
  assertGoesOn(signal, "open");
  const opening = open();
  try {
    return await abortable(opening, signal, "open");
  } catch (thrown) {
    if (isAborted(signal)) opening.then((db) => db.close()).catch(() => {});
    throw thrown;
  }
}
