/**
 * Loads the script with methods that few applications call at once: when one of them is called, or a second after a database
 * was opened. `sync/load-deferred.ts` has the same for verbs that give values.
 */
import { needed } from "../error.js";
import type * as Seldom from "./deferred.js";

export function seldom(): Promise<typeof Seldom> {
  return needed(import("./deferred.js"));
}

/** The script, and what a call comes to that is under way. When the script does not come, `end` lets go of what was begun. */
export async function meanwhile<B>(begun: Promise<B>, end: (begun: B) => unknown): Promise<[typeof Seldom, B]> {
  try {
    return await Promise.all([seldom(), begun]);
  } catch (thrown) {
    begun.then(end).catch(() => {});
    throw thrown;
  }
}
