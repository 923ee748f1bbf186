/**
 * `protocol/timers.ts` for Node, Bun and Deno: from their own modules, since the globals of a test's environment may be a page's,
 * or fakes before the package is loaded.
 */
import { performance as clock } from "node:perf_hooks";
import * as timers from "node:timers";

export const { setTimeout, clearTimeout, setImmediate } = timers;
export const { Date } = globalThis;

/** By a promise, which nobody replaces by one that stands still. What the work throws is an uncaught exception, as of the host's. */
export const queueMicrotask = (work: () => void): void => {
  const thrown = (error: unknown) => setImmediate(() => {
    throw error;
  });
  Promise.resolve().then(work).catch(thrown);
};

/** Milliseconds since some moment. */
export const performance = { now: clock.now.bind(clock) };
