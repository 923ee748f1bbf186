// Who is measured: the title in the tables, the driver in `subjects/` for a worker and for the page, and how it is set up.

const UNFLUSHED = Object.fromEntries(
  ["insert", "single", "together", "update", "delete"].map((row) => [row, "commits are not flushed"]),
);
const CACHED = Object.fromEntries(
  ["getMany", "scan", "range", "equals", "nested", "nestedRange"].map((row) => [
    row,
    "from the second time on answered from its memory",
  ]),
);

/**
 * `worker` and `page` are `[driver, options]`; `bundle` names what a page loads, see `bench/run/peers.mjs`; `cannot` says why rows
 * are empty, and `aside` in which rows a subject does less than the others, so that it is not compared with them.
 */
export const subjects = {
  ferrolite: {
    title: "Ferrolite",
    bundle: "ferrolite",
    worker: ["ferrolite-sync"],
    page: ["ferrolite"],
    settings: "in a worker FerroliteSync of ferrolite/sync, from the page Ferrolite; default options (every commit is flushed)",
  },
  "ferrolite-async": {
    title: "Ferrolite, asynchronous",
    worker: ["ferrolite"],
    settings: "Ferrolite called in a worker, which has its engine in another worker; default options",
  },
  floor: {
    title: "floor",
    reference: true,
    worker: ["floor"],
    page: ["remote", { subject: "floor" }],
    settings:
      "no database: JSON in one OPFS file, one write and one flush a commit, the index in memory and rebuilt at every start",
  },
  memory: {
    title: "memory",
    reference: true,
    worker: ["memory"],
    page: ["memory"],
    keeps: false,
    settings: "no database: a Map of JSON texts with sorted keys and two indexes; keeps nothing",
  },
  "indexeddb-strict": {
    title: "IndexedDB, strict",
    worker: ["indexeddb", { durability: "strict" }],
    page: ["indexeddb", { durability: "strict" }],
    settings: "transactions with durability: strict, which are flushed, as Ferrolite's are; reads by getAll",
  },
  "indexeddb-relaxed": {
    title: "IndexedDB, relaxed",
    aside: UNFLUSHED,
    worker: ["indexeddb", { durability: "relaxed" }],
    page: ["indexeddb", { durability: "relaxed" }],
    settings:
      "transactions with durability: relaxed, Chromium's default: a commit is not flushed, and a crash of the system can lose it",
  },
  "sqlite-wal": {
    title: "SQLite, WAL",
    worker: ["sqlite", { journal: "wal" }],
    page: ["remote", { subject: "sqlite-wal" }],
    settings: "@sqlite.org/sqlite-wasm, opfs-sahpool, locking_mode=exclusive, journal_mode=wal, synchronous=full, cache 8 MiB",
  },
  sqlite: {
    title: "SQLite",
    bundle: "sqlite",
    worker: ["sqlite", { journal: "delete" }],
    page: ["remote", { subject: "sqlite" }],
    settings: "the same with journal_mode=delete, its default",
  },
  "wa-sqlite": {
    title: "wa-sqlite",
    bundle: "wa-sqlite",
    worker: ["wa-sqlite"],
    page: ["remote", { subject: "wa-sqlite" }],
    settings:
      "AccessHandlePoolVFS, its synchronous build, locking_mode=exclusive, journal_mode=delete, synchronous=full, cache 8 MiB",
  },
  pglite: {
    title: "PGlite",
    bundle: "pglite",
    worker: ["pglite"],
    page: ["remote", { subject: "pglite" }],
    settings: "opfs-ahp, a jsonb column; default options",
  },
  dexie: {
    title: "Dexie, strict",
    bundle: "dexie",
    worker: ["dexie", { durability: "strict" }],
    page: ["dexie", { durability: "strict" }],
    settings: "chromeTransactionDurability: strict; bulkPut, bulkGet, bulkDelete",
  },
  rxdb: {
    title: "RxDB, strict",
    aside: CACHED,
    bundle: "rxdb",
    worker: ["rxdb", { durability: "strict" }],
    page: ["rxdb", { durability: "strict" }],
    settings:
      "storage-dexie with chromeTransactionDurability: strict, multiInstance: false; it keeps what was read in memory, and answers a query that is asked again from there",
    cannot: { equalsKeys: "always gives documents" },
  },
  pouchdb: {
    title: "PouchDB, relaxed",
    aside: UNFLUSHED,
    bundle: "pouchdb",
    worker: ["pouchdb"],
    page: ["pouchdb"],
    settings:
      "pouchdb-core with the indexeddb adapter and pouchdb-find; it has no choice of durability, so commits are not flushed",
  },
  "idb-keyval": {
    title: "idb-keyval, relaxed",
    aside: UNFLUSHED,
    bundle: "idb-keyval",
    worker: ["idb-keyval"],
    page: ["idb-keyval"],
    settings: "a store of its own; it has no choice of durability, so commits are not flushed",
    cannot: Object.fromEntries(
      ["range", "equals", "equalsKeys", "nested", "nestedRange"].map((row) => [row, "no ranges, no indexes"]),
    ),
  },
};
