/**
 * What verbs need that few applications call at once: a script of its own, which is loaded when one of them is called, or else
 * behind what a page begins with. `sync/later.ts` has the same for verbs that give values.
 */
import { needed } from "./error.js";
import type * as Seldom from "./seldom.js";

export function seldom(): Promise<typeof Seldom> {
  return needed(import("./seldom.js"));
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
