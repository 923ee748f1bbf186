// What the verbs of FerroliteSync cost in Node: the engine in wasm and what is around it, without a browser. Prints medians.
// Usage: node bench/run/node.mjs [RUNS]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FerroliteSync } from "../../js/dist/sync-node.js";
import { citiesOf, cityOf, groupsOf, keyOf, pairsOf, sample } from "../browser/documents.js";
import { BATCH, CHANGED, RANGE_LENGTH, RANGES, READS, SINGLES } from "../browser/work.js";

const DOCUMENTS = 20_000;
/** How long maintenance may take before documents are read. */
const QUIET_MS = 300;

const runs = Number(process.argv[2] ?? 5);
const documents = pairsOf(0, DOCUMENTS, DOCUMENTS);
const keys = sample(READS, DOCUMENTS, 42).map(keyOf);
const [groups, cities] = [groupsOf(DOCUMENTS), citiesOf(DOCUMENTS)];
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
  db.createIndex("address.city");
  time("bulk insert, batches of 1,000, a document", "us", DOCUMENTS, () => {
    for (let at = 0; at < DOCUMENTS; at += BATCH) db.setMany(documents.slice(at, at + BATCH));
  });
  time("single durable commit", "us", SINGLES, () => times(SINGLES, (at) => db.set(`single:${at}`, documents[at][1])));
  times(SINGLES, (at) => db.delete(`single:${at}`));
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  time("random read, one by one", "us", READS, () => keys.forEach((key) => db.get(key)));
  time("random reads in one call, a document", "us", READS, () => db.getMany(keys));
  time("ordered scan of all", "ms", 1, () => db.entries({}));
  time("range of 50 documents", "us", RANGES, () => times(RANGES, (at) => db.entries({ gte: keys[at], limit: RANGE_LENGTH })));
  time("index equality, 2,000 documents", "ms", groups, () =>
    times(groups, (group) => db.query({ where: { group: `group-${group}` } })),
  );
  time("index equality, 2,000 keys", "ms", groups, () => times(groups, (group) => db.find("group", `group-${group}`)));
  time("nested index, 400 documents", "ms", cities, () =>
    times(cities, (city) => db.query({ where: { "address.city": cityOf(city) } })),
  );
  const changed = pairsOf(0, CHANGED, DOCUMENTS, 1);
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
