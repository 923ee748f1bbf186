// A property of a range or a filter that is `undefined`, because a value has not arrived: it selects nothing, and is an error.
import { equal, ok, rejects } from "../support/assert.mjs";

const missing = {}.value;

/** Ranges, each with the property that the error names. */
const ranges = [
  [{ prefix: missing }, "prefix"],
  [{ gte: missing, lt: missing }, "gte"],
  [{ gte: "b", lt: missing }, "lt"],
  [{ gt: missing }, "gt"],
  [{ lte: missing, limit: 3 }, "lte"],
  [{ prefx: missing }, "prefx"],
];

/** Filters, each with the place that the error names. */
const filters = [
  [{ owner: missing }, /\$\.owner is undefined/],
  [{ owner: missing, n: 3 }, /\$\.owner /],
  [{ owner: { eq: missing } }, /\$\.owner\.eq /],
  [{ n: { gt: 1, lt: missing } }, /\$\.n\.lt /],
  [{ owner: { in: missing } }, /\$\.owner\.in /],
  [{ owner: { in: ["ann", missing] } }, /\$\.owner\.in\[1\] /],
  [{ owner: { startsWith: missing } }, /\$\.owner\.startsWith /],
  [{ n: { not: { gt: missing } } }, /\$\.n\.not\.gt /],
  [{ n: { eq: { a: [{ b: missing }] } } }, /\$\.n\.eq\.a\[0\]\.b /],
  [{ and: missing }, /\$\.and /],
  [{ or: [{ n: 1 }, { owner: missing }] }, /\$\.or\[1\]\.owner /],
  [{ not: { owner: missing } }, /\$\.not\.owner /],
];

async function filled(open) {
  const db = await open();
  const notes = db.collection("notes");
  await notes.setMany([["a:1", { owner: "ann", n: 1 }], ["a:2", { owner: "ann", n: 2 }], ["b:1", { owner: "ben", n: 3 }]]);
  return { db, notes };
}

/** What a generator or a watch begins with. */
const first = async (iterable) => (await iterable[Symbol.asyncIterator]().next()).value;

export default [
  {
    name: "an undefined bound of a range is an error, and nothing is deleted",
    async run({ open }) {
      const { db, notes } = await filled(open);
      const snapshot = await db.snapshot();
      const reads = (of) => ["count", "keys", "values", "entries"].map((verb) => (range) => of[verb](range));
      const calls = [
        ...reads(notes), ...reads(snapshot.collection("notes")),
        (range) => first(notes.scan(range)),
        (range) => first(snapshot.scan(range)),
        (range) => first(notes.watch(range)),
        (range) => notes.deleteRange(range),
        (range) => notes.query({ keys: range }),
        (range) => notes.count({ keys: range }),
        (range) => first(notes.watchQuery({ keys: range })),
        (range) => db.transaction((tx) => tx.collection("notes").keys(range)),
      ];
      for (const [range, property] of ranges) {
        for (const [at, call] of calls.entries()) {
          const error = await rejects((async () => call(range))(), "InvalidRange", undefined, `${property}, call ${at}`);
          ok(error.message.includes(property), error.message);
        }
      }
      await rejects((async () => first(notes.watch({ key: missing })))(), "InvalidRange", /key is undefined/);
      equal(await notes.count(), 3);
      await snapshot.close();
    },
  },
  {
    name: "an undefined property of a filter is an error that names its place",
    async run({ open }) {
      const { db, notes } = await filled(open);
      const snapshot = await db.snapshot();
      const calls = [
        (where) => notes.query({ where }),
        (where) => notes.queryPage({ where }),
        (where) => notes.findOne({ where }),
        (where) => notes.count({ where }),
        (where) => notes.explain({ where }),
        (where) => first(notes.watchQuery({ where })),
        (where) => snapshot.collection("notes").query({ where }),
        (where) => db.transaction((tx) => tx.collection("notes").query({ where })),
      ];
      for (const call of calls) {
        for (const [where, place] of filters) await rejects((async () => call(where))(), "InvalidCondition", place);
        await rejects((async () => call(missing))(), "InvalidCondition", /where is undefined/);
      }
      await rejects(notes.query({ keys: missing }), "InvalidRange", /keys is undefined/);
      await rejects(notes.query({ wher: missing }), "InvalidOptions", /wher/);
      for (const verb of ["find", "findPage"]) {
        await rejects(notes[verb]("owner", missing), "InvalidCondition", /undefined/);
        await rejects(notes[verb]("n", { gt: missing }), "InvalidCondition", /\$\.gt is undefined/);
        await rejects(notes[verb]("n", { gt: 1, lt: missing }), "InvalidCondition", /\$\.lt is undefined/);
      }
      await snapshot.close();
    },
  },
  {
    name: "plain options may be undefined",
    async run({ open }) {
      const { notes } = await filled(open);
      const options = { limit: missing, reverse: missing, orderBy: missing, offset: missing, after: missing, select: missing };
      equal((await notes.query(options, { signal: missing })).length, 3);
      equal((await notes.keys({ prefix: "a:", limit: missing, reverse: missing })).length, 2);
      equal(await notes.find("owner", "ben", { limit: missing, after: missing }), ["b:1"]);
      await notes.set("c", { owner: undefined, n: 4 }, { ttl: missing, ifVersion: missing });
      equal(await notes.get("c"), { n: 4 });
    },
  },
  {
    name: "defined() removes what is undefined",
    async run({ open, defined }) {
      const { notes } = await filled(open);
      const at = new Date(0);
      for (const [given, left] of [
        [{ a: 1, b: missing }, { a: 1 }],
        [{ a: missing }, {}],
        [{}, {}],
        [{ n: { gt: 1, lt: missing } }, { n: { gt: 1 } }],
        [{ n: { gt: missing, lt: missing }, owner: "ann" }, { owner: "ann" }],
        [{ or: [{ a: missing }, { b: 1 }] }, { or: [{ b: 1 }] }],
        [{ or: [{ a: missing }] }, {}],
        [{ a: { in: [] }, b: { eq: {} } }, { a: { in: [] }, b: { eq: {} } }],
        [{ a: null, b: 0, c: "", d: false, at }, { a: null, b: 0, c: "", d: false, at }],
      ]) {
        const before = JSON.stringify(given);
        equal(defined(given), left);
        equal(JSON.stringify(given), before, "what was given stays");
      }
      ok(defined({ at }).at === at, "a date stays the same");
      equal((await notes.query({ where: defined({ owner: "ann", n: { gt: missing } }) })).length, 2);
      equal(await notes.keys(defined({ prefix: "b", gt: missing })), ["b:1"]);
      equal(Object.keys(defined(JSON.parse('{"__proto__":{"a":1}}'))), ["__proto__"]);
    },
  },
];
