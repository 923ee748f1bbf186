// Who is measured: the title in the tables, the driver in `subjects/` for a worker and for the page, and how it is set up.

/**
 * `worker` and `page` are `[driver, options]`; `bundle` names what a page loads, see `tools/bench-peers.mjs`; `cannot` says why rows
 * are empty.
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
    worker: ["floor"],
    page: ["remote", { subject: "floor" }],
    settings: "no database: JSON in one OPFS file, one write and one flush a commit, the index in memory and rebuilt at every start",
  },
  memory: {
    title: "memory",
    worker: ["memory"],
    page: ["memory"],
    keeps: false,
    settings: "no database: a Map of JSON texts with sorted keys and two indexes; keeps nothing",
  },
  "indexeddb-strict": {
    title: "IndexedDB, strict",
    worker: ["indexeddb", { durability: "strict" }],
    page: ["indexeddb", { durability: "strict" }],
    settings: "transactions with durability: strict, which are flushed, as Ferrolite's are; getAll where it fits",
  },
  "indexeddb-relaxed": {
    title: "IndexedDB, relaxed",
    worker: ["indexeddb", { durability: "relaxed" }],
    page: ["indexeddb", { durability: "relaxed" }],
    settings: "transactions with durability: relaxed, Chromium's default: a commit is not flushed, and a crash of the system can lose it",
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
};
