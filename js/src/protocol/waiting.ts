/**
 * What waiting is to verbs that give promises. `sync/waiting.ts` has the same for verbs that give values: their classes are
 * made of the same source (`tools/package/sync-sources.mjs`).
 */
import { setTimeout } from "./timers.js";

/** Does what may fail because the database is being closed, and has let go of it already. */
export async function quietly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch {
    // It is done, then.
  }
}

/** What the function of a transaction comes to. */
export function outcome<R>(result: R | PromiseLike<R>): R | PromiseLike<R> {
  return result;
}

/** Beyond so many conflicts in a row the time before the next attempt grows no more. */
const DOUBLINGS_MAX = 6;
const PAUSE_MS_MAX = 1000;

/**
 * Waits before the next attempt: by chance, so that those who met do not meet again, and the longer the more often they
 * have. The unit is the time that an attempt takes.
 */
export function pause(attempt: number, tookMs: number): Promise<void> {
  const longestMs = Math.min(Math.max(tookMs, 1) * 2 ** Math.min(attempt, DOUBLINGS_MAX), PAUSE_MS_MAX);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
}
