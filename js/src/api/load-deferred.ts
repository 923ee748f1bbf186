/**
 * Loads the script with the methods that few applications call at once: when one of them is called, or a second after a database
 * was opened. `sync/load-deferred.ts` has the same functions for methods that return values.
 */
import { needed } from "../error.js";
import type * as Deferred from "./deferred.js";

export function deferred(): Promise<typeof Deferred> {
  return needed(import("./deferred.js"));
}

/** Returns the script, and the result of a call that was begun. If the script does not load, `end` releases what was begun. */
export async function withDeferred<B>(begun: Promise<B>, end: (begun: B) => unknown): Promise<[typeof Deferred, B]> {
  try {
    return await Promise.all([deferred(), begun]);
  } catch (thrown) {
    begun.then(end).catch(() => {});
    throw thrown;
  }
}
