// Timers that stand still, as test runners put them in the place of the host's: nothing may wait for them.
import { equal } from "../support/assert.mjs";

const NAMES = [
  "setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate", "queueMicrotask", "requestIdleCallback",
  "MessageChannel",
];

/** Puts timers that never fire in the place of the host's, and a clock that stands still; gives the function that ends that. */
export function stopTimers() {
  const before = NAMES.filter((name) => name in globalThis).map((name) => [name, globalThis[name]]);
  const { performance } = globalThis;
  const { now } = performance;
  for (const [name] of before) globalThis[name] = function () {};
  performance.now = () => 1;
  return () => {
    Object.assign(globalThis, Object.fromEntries(before));
    performance.now = now;
  };
}

async function work(db) {
  for (let n = 0; n < 300; n++) await db.set(`k${n}`, { n });
  await db.transaction(async (tx) => tx.set("t", await tx.get("k1")));
  await db.createIndex("n");
  const watch = db.watch({ key: "w" });
  await db.set("w", 1);
  equal((await watch.next()).value.key, "w");
  await watch.return();
  await db.compact();
  equal([(await db.query({ where: { n: 7 } })).length, (await db.check({ full: true })).problems], [1, []]);
}

export default [
  {
    name: "calls do not wait for timers that stand still",
    async run({ open, isSync }) {
      if (isSync) return;
      let db = await open();
      for (const opensBefore of [true, false]) {
        const resume = stopTimers();
        try {
          if (!opensBefore) db = await open();
          await work(db);
        } finally {
          resume();
        }
        await db.set("after", 1);
        await db.close();
      }
    },
  },
];
