// The work that every subject does, in two parts: `load` fills a database and closes it, `work` opens it again in a fresh worker
// or page. Each gives `{ figures, checks }`: what took how long, and what was found, which must be equal for all subjects.
import { citiesOf, cityOf, groupsOf, keyOf, pairsOf, random, sample } from "./documents.js";

export const BATCH = 1000;
/** So often, where there are enough documents. */
export const SINGLES = 500;
export const READS = 5000;
export const RANGES = 200;
export const RANGE_LENGTH = 50;
export const CHANGED = 2000;
/** A read is repeated until it has taken so long, and the first time, in which code is compiled, does not count. */
const READ_MS_MAX = 3000;
const REPEATS = 5;

/**
 * The rows of the tables, in order. `per` is by what the time of one repetition is divided, given the number of documents; the
 * figures of rows without it come from elsewhere.
 */
export const rows = {
  insert: { work: "bulk insert, batches of 1,000", unit: "us/document" },
  single: { work: "single durable commit, p50 of 500", unit: "us" },
  together: { work: "500 commits fired together", unit: "us/commit" },
  get: { work: "random read, one by one", unit: "us" },
  getMany: { work: "random reads, 5,000 in one call", unit: "us/document" },
  scan: { work: "ordered scan of all, parsed", unit: "ms" },
  range: { work: "50-document ranges", unit: "us/range" },
  equals: { work: "index equality, 2,000 documents", unit: "ms" },
  equalsKeys: { work: "index equality, 2,000 keys alone", unit: "ms" },
  nested: { work: "nested index, 400 documents", unit: "ms" },
  nestedRange: { work: "nested index, range of 1,200 documents", unit: "ms" },
  update: { work: "update 2,000 in one transaction", unit: "ms" },
  delete: { work: "delete 2,000 in one transaction", unit: "ms" },
  open: { work: "cold open to first read", unit: "ms" },
  first: { work: "cold open to first document written", unit: "ms" },
  disk: { work: "bytes on disk, after the bulk insert", unit: "MB" },
  heap: { work: "memory of JavaScript, after the reads", unit: "MB" },
  process: { work: "memory of the page's process, after the reads", unit: "MB" },
};

/** Opens a new database and fills it; `onFirst` is called when its first document is durable. */
export async function load(open, count, onFirst) {
  const db = await open();
  const [[firstKey, firstDocument]] = pairsOf(0, 1, count);
  await db.put(firstKey, firstDocument);
  onFirst();

  let insertMs = 0;
  for (let from = 1; from < count; from += BATCH) {
    const pairs = pairsOf(from, Math.min(from + BATCH, count), count);
    insertMs += (await timed(() => db.insertMany(pairs)))[0];
  }
  await db.close();
  return { figures: { insert: (insertMs * 1000) / (count - 1) }, checks: {} };
}

/**
 * Opens a database that `load` has filled, and does everything else; `onFirst` is called when a first document is read. For a profile
 * there are reads `only`, each repeated for `readMs`.
 */
export async function work(open, count, onFirst, measureMemory, { only, readMs } = {}) {
  const db = await open();
  const firstRead = await db.get(keyOf(count >> 1));
  onFirst();

  const figures = {};
  const checks = { first: digest([firstRead]) };
  await reads(db, count, figures, checks, only, readMs);
  if (only === undefined) {
    Object.assign(figures, await measureMemory());
    await writes(db, count, figures);
    checks.end = digest(await db.scan(), true);
  }
  await db.close();
  return { figures, checks };
}

async function reads(db, count, figures, checks, only, readMs) {
  const keys = sample(READS, count, 1).map(keyOf);
  const draw = random(2);
  const ranges = Math.min(RANGES, Math.ceil(count / 10));
  const starts = Array.from({ length: ranges }, () => keyOf(Math.floor(draw() * Math.max(1, count - RANGE_LENGTH))));
  const group = `group-${groupsOf(count) - 1}`;
  const city = Math.floor(citiesOf(count) / 2);

  const measure = async (name, action, per, { ordered = false } = {}) => {
    if (!can(db, name) || only?.includes(name) === false) return;
    const [ms, found] = await repeated(action, readMs);
    figures[name] = per(ms);
    checks[name] = digest(found, ordered);
  };
  const each = (amount) => (ms) => (ms * 1000) / amount;
  const whole = (ms) => ms;
  await measure("get", () => oneByOne(keys, (key) => db.get(key)), each(keys.length), { ordered: true });
  await measure("getMany", () => db.getMany(keys), each(keys.length), { ordered: true });
  await measure("scan", () => db.scan(), whole, { ordered: true });
  await measure("range", async () => (await oneByOne(starts, (key) => db.range(key, RANGE_LENGTH))).flat(), each(ranges), {
    ordered: true,
  });
  await measure("equals", () => db.equals(group), whole);
  await measure("equalsKeys", () => db.equalsKeys(group), whole);
  await measure("nested", () => db.nested(cityOf(city)), whole);
  await measure("nestedRange", () => db.nestedRange(cityOf(city), cityOf(city + 2)), whole);
}

async function writes(db, count, figures) {
  const singles = Math.min(SINGLES, Math.ceil(count / 10));
  const pairs = pairsOf(count, count + 2 * singles, count);
  const taken = [];
  for (const [key, document] of pairs.slice(0, singles)) taken.push((await timed(() => db.put(key, document)))[0]);
  figures.single = median(taken) * 1000;

  const rest = pairs.slice(singles);
  figures.together = ((await timed(() => Promise.all(rest.map(([key, document]) => db.put(key, document)))))[0] * 1000) / singles;

  const [changed, deleted] = halves(sample(2 * Math.min(CHANGED, count >> 2), count, 3));
  const updates = changed.map((number) => pairsOf(number, number + 1, count, 1)[0]);
  figures.update = (await timed(() => db.updateMany(updates)))[0];
  figures.delete = (await timed(() => db.deleteMany(deleted.map(keyOf))))[0];
}

const can = (db, name) => typeof db[name] === "function";
const halves = (list) => [list.slice(0, list.length >> 1), list.slice(list.length >> 1)];

/** Waits only for what is a promise: a subject that answers at once is not made to wait. */
async function oneByOne(list, action) {
  const found = [];
  for (const item of list) {
    const answer = action(item);
    found.push(isPromise(answer) ? await answer : answer);
  }
  return found;
}

async function timed(action) {
  const startMs = performance.now();
  const answer = action();
  const found = isPromise(answer) ? await answer : answer;
  return [performance.now() - startMs, found];
}

async function repeated(action, readMs) {
  const taken = [];
  let found;
  for (let spentMs = 0; isRepeated(taken.length, spentMs, readMs); ) {
    // Not while the next one is made: twice everything would not fit everywhere.
    found = undefined;
    const [ms, answer] = await timed(action);
    found = answer;
    spentMs += ms;
    taken.push(ms);
  }
  return [median(taken.slice(1)), found];
}

const isRepeated = (times, spentMs, readMs) =>
  readMs === undefined ? times < 1 + REPEATS && (times < 2 || spentMs < READ_MS_MAX) : spentMs < readMs;

// Some libraries have promises of their own.
const isPromise = (value) => typeof value?.then === "function";

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What was found, in one line: how much, and a hash of it, in which the order counts or not. */
export function digest(found, ordered = false) {
  let sum = 0;
  for (const item of found) {
    if (item === undefined || item === null) throw new Error("a document was not found");
    const hash = hashOf(typeof item === "string" ? item : canonical(item));
    sum = ordered ? (Math.imul(sum, 31) + hash) >>> 0 : (sum + hash) >>> 0;
  }
  return `${found.length} ${sum.toString(16).padStart(8, "0")}`;
}

/** The JSON of a value with its fields in the order of their names: not every subject keeps the order. */
function canonical(value) {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  return `{${Object.keys(value)
    .sort()
    .map((name) => `"${name}":${canonical(value[name])}`)}}`;
}

/** FNV-1a. */
function hashOf(text) {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** How much JSON the documents are, which is what is compared with the bytes on the disk. */
export function jsonBytes(count) {
  const encoder = new TextEncoder();
  return pairsOf(0, count, count).reduce((sum, [, document]) => sum + encoder.encode(JSON.stringify(document)).length, 0);
}
