/**
 * The host's timers, clocks and message channels as they are when the package is loaded, by the names that they have there. Test
 * runners put fakes in their place, which stand still until a test moves them: no call may wait for that. The engine itself
 * reads the time of day from the host's `Date`, so what expires follows a fake one. Node has `node/timers.ts` in this place.
 */
const host = globalThis;

export const { setTimeout, clearTimeout, queueMicrotask, MessageChannel, Date } = host;

/** Milliseconds since some moment. */
export const performance = { now: host.performance.now.bind(host.performance) };
