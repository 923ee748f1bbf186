// What the verbs of FerroliteSync cost in Node: the engine in wasm and what is around it, without a browser. Prints medians.
// Usage: node tools/bench-node.mjs [RUNS]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FerroliteSync } from "../js/dist/sync-node.js";

const DOCUMENTS = 20_000;
const BATCH = 1000;
const COMMITS = 500;
const READS = 5000;
const RANGES = 200;
/** How many different values the two indexes have. */
const GROUPS = 10;
const AREAS = 50;
const CHANGED = 2000;
/** How long maintenance may take before documents are read. */
const QUIET_MS = 300;

const runs = Number(process.argv[2] ?? 5);
let seed = 42;
/** A number from 0 to below `end`, the same in each run. */
const draw = (end) => {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return Math.floor((seed / 0x80000000) * end);
};

const cities = ["Berlin", "Paris", "London", "Rome", "Madrid", "Vienna", "Prague", "Oslo", "Lisbon", "Dublin"];
const document = (id) => ({
  id, name: `User ${id} ${draw(1e6).toString(36)}`, email: `user${id}@example.org`, age: 18 + draw(60), group: id % GROUPS,
  address: { street: `Street ${draw(1000)}`, city: cities[draw(cities.length)], zip: String(10_000 + draw(400)), area: id % AREAS },
  tags: [`a${id % 7}`, `b${id % 13}`, `c${id % 17}`], bio: `Lorem ipsum dolor sit amet consectetur ${draw(1e9)}`,
});
const documents = Array.from({ length: DOCUMENTS }, (_, id) => [`user:${String(id).padStart(8, "0")}`, document(id)]);
const keys = Array.from({ length: READS }, () => documents[draw(DOCUMENTS)][0]);
const times = (count, work) => Array.from({ length: count }, (_, at) => work(at));

const results = new Map();
const note = (work, unit, value) => results.set(work, { unit, values: [...(results.get(work)?.values ?? []), value] });
function time(work, unit, count, run) {
  const startMs = performance.now();
  run();
  note(work, unit, ((performance.now() - startMs) * (unit === "us" ? 1000 : 1)) / count);
}

async function measure(path) {
  let db = await FerroliteSync.open(path);
  db.createIndex("group");
  db.createIndex("address.area");
  time("bulk insert, batches of 1,000, a document", "us", DOCUMENTS, () => {
    for (let at = 0; at < DOCUMENTS; at += BATCH) db.setMany(documents.slice(at, at + BATCH));
  });
  time("single durable commit", "us", COMMITS, () => times(COMMITS, (at) => db.set(`single:${at}`, documents[at][1])));
  times(COMMITS, (at) => db.delete(`single:${at}`));
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  time("random read, one by one", "us", READS, () => keys.forEach((key) => db.get(key)));
  time("random reads in one call, a document", "us", READS, () => db.getMany(keys));
  time("ordered scan of all", "ms", 1, () => db.entries({}));
  time("range of 50 documents", "us", RANGES, () => times(RANGES, (at) => db.entries({ gte: keys[at], limit: 50 })));
  time("index equality, 2,000 documents", "ms", GROUPS, () => times(GROUPS, (group) => db.query({ where: { group } })));
  time("index equality, 2,000 keys", "ms", GROUPS, () => times(GROUPS, (group) => db.find("group", group)));
  time("nested index, 400 documents", "ms", AREAS, () => times(AREAS, (area) => db.query({ where: { "address.area": area } })));
  const changed = documents.slice(0, CHANGED).map(([key, old]) => [key, { ...old, age: old.age + 1 }]);
  time("update of 2,000 in one transaction", "ms", 1, () => db.setMany(changed));
  time("delete of 2,000 in one transaction", "ms", 1, () => db.transaction((tx) => changed.forEach(([key]) => tx.delete(key))));
  db.close();
  note("bytes of the file, closed", "MB", statSync(path).size / 1e6);
  const startMs = performance.now();
  db = await FerroliteSync.open(path);
  db.get(keys[0]);
  note("open and read one", "ms", performance.now() - startMs);
  db.close();
}

for (let run = 0; run < runs; run++) {
  const folder = mkdtempSync(join(tmpdir(), "ferrolite-bench-"));
  await measure(join(folder, "bench.ferrolite"));
  rmSync(folder, { recursive: true });
}
const bytes = documents.reduce((sum, [, value]) => sum + JSON.stringify(value).length, 0);
console.log(`${DOCUMENTS} documents of ${Math.round(bytes / DOCUMENTS)} bytes, ${runs} runs: median (least to most)`);
for (const [work, { unit, values }] of results) {
  const sorted = values.sort((a, b) => a - b);
  const [median, least, most] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((value) => value.toFixed(2));
  console.log(`${work.padEnd(44)} ${unit.padEnd(3)} ${median.padStart(8)} (${least} to ${most})`);
}
