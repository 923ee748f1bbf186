// The seeded stream of steps that is carried out until the kill comes, and what must be in the database then. A step is
// a function of the seed and of its number alone. It runs in Node and in pages.

/** Keys that the steps work on, once the first steps have stored them. */
const KEYS = 2000;
/** The first steps store this many documents each, so that there is something to merge and to index. */
const FIRST_DOCUMENTS = 250;
const PATHS = ["group", "n", "nested.part"];
/** What outlives every test, and what is gone before the next look, in seconds. */
const LONG_TTL = 3600;
const SHORT_TTL = 0.002;

/** Numbers below limits, from a seed: splitmix32. */
export function randomOf(seed) {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
    return (word ^ (word >>> 15)) >>> 0;
  };
  const below = (limit) => Math.floor((next() / 2 ** 32) * limit);
  return { next, below, between: (low, high) => low + below(high - low + 1), pick: (choices) => choices[below(choices.length)] };
}

const CIPHERS = ["aes-256-gcm", "chacha20-poly1305"];
const ARGON2 = { memoryKib: 64, iterations: 1, lanes: 1 };

/**
 * How the database is opened: small memtables, so that flushes and merges are always under way; every other one is
 * encrypted.
 */
export function optionsOf(seed) {
  return {
    memtableSize: [16 << 10, 128 << 10, 1 << 20, 64 << 10][seed % 4],
    compression: seed % 3 === 0 ? "none" : "lz4",
    cacheSize: 256 << 10,
    ...(seed % 2 === 0 ? {} : { encryption: { passphrase: `kills ${seed}`, cipher: CIPHERS[(seed >> 1) % 2], argon2: ARGON2 } }),
  };
}

/** The step with this number of the stream with this seed. */
export function stepOf(seed, number) {
  const random = randomOf(Math.imul(seed + 1, 0x2c1b3c6d) ^ Math.imul(number + 1, 0x297a2d39));
  const any = (k = random.below(KEYS)) => [keyOf(k), documentOf(k, number, random)];
  if (number < KEYS / FIRST_DOCUMENTS) {
    const first = number * FIRST_DOCUMENTS;
    return { kind: "transaction", writes: Array.from({ length: FIRST_DOCUMENTS }, (_, n) => any(first + n)) };
  }
  const many = (low, high, make) => Array.from({ length: random.between(low, high) }, make);
  const roll = random.below(100);
  if (roll < 36) return { kind: "set", writes: [any()] };
  if (roll < 50) return { kind: "group", writes: many(2, 12, () => any()) };
  if (roll < 64) {
    const write = () => (random.below(10) < 3 ? [keyOf(random.below(KEYS)), undefined] : any());
    return { kind: "transaction", writes: random.below(5) === 0 ? many(100, 300, write) : many(2, 20, write) };
  }
  if (roll < 76) return { kind: "delete", key: keyOf(random.below(KEYS)) };
  if (roll < 78) {
    const first = random.below(KEYS);
    return { kind: "deleteRange", range: { gte: keyOf(first), lt: keyOf(first + random.between(1, 60)) } };
  }
  if (roll < 84) return { kind: "setEx", writes: [any()], ttl: random.pick([SHORT_TTL, LONG_TTL]) };
  if (roll < 90) return { kind: "createIndex", path: random.pick(PATHS) };
  if (roll < 94) return { kind: "dropIndex", path: random.pick(PATHS) };
  if (roll < 97) return { kind: "compact" };
  return { kind: "idle" };
}

function keyOf(number) {
  return `k${String(number).padStart(5, "0")}`;
}

function documentOf(key, number, random) {
  const length = random.below(100) === 0 ? random.between(5_000, 30_000) : random.between(10, 800);
  const words = [];
  for (let size = 0; size < length; size += 18) words.push(random.next().toString(16).padStart(8, "0"), "ferrolite");
  return { group: key % 7, n: number, nested: { part: `p${random.below(50)}` }, text: words.join(" ") };
}

/** Carries a step out; resolves when it is acknowledged. */
export async function carryOut(db, Transaction, step) {
  switch (step.kind) {
    case "set": return db.set(...step.writes[0]);
    // Calls of one turn travel together: a commit each, with one flush.
    case "group": return Promise.all(step.writes.map(([key, document]) => db.set(key, document)));
    case "transaction": {
      const transaction = new Transaction();
      for (const [key, document] of step.writes) {
        if (document === undefined) transaction.delete(key);
        else transaction.set(key, document);
      }
      return db.commit(transaction);
    }
    case "delete": return db.delete(step.key);
    case "deleteRange": return db.deleteRange(step.range);
    case "setEx": return db.setEx(...step.writes[0], step.ttl);
    case "createIndex": return db.createIndex(step.path);
    case "dropIndex": return db.dropIndex(step.path);
    case "compact": return db.compact();
    // Long enough for maintenance to begin by itself.
    case "idle": return new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Works from a step on, and tells of each that is acknowledged. It does not end by itself. */
export async function work(db, Transaction, seed, from, acknowledge) {
  for (let number = from; ; number++) {
    await carryOut(db, Transaction, stepOf(seed, number));
    await acknowledge(number);
  }
}

/** All that there is to see in a database, as JSON can carry it. */
export async function look(db) {
  const entries = await db.entries();
  const ttls = await Promise.all(entries.map(([key]) => db.ttl(key)));
  return {
    documents: entries.map(([key, document], n) => [key, JSON.stringify(document), ttls[n] !== null]),
    found: await db.find("group", 3),
    indexes: await db.indexes(),
    problems: (await db.check({ full: true })).problems,
    version: (await db.stats()).version,
  };
}

/** What must be there after the steps so far, and after parts of the one that is under way. */
export class Model {
  #seed;
  #documents = new Map();
  #indexes = new Set();
  #version = 0;
  /** The step that the next worker begins with. */
  next = 0;
  /** Commits that were acknowledged. */
  commits = 0;

  constructor(seed) {
    this.#seed = seed;
  }

  /** All steps up to this one were acknowledged. */
  acknowledge(last) {
    for (; this.next <= last; this.next++) {
      const step = stepOf(this.#seed, this.next);
      apply(step, this.#documents);
      if (step.kind === "createIndex") this.#indexes.add(step.path);
      if (step.kind === "dropIndex") this.#indexes.delete(step.path);
      this.commits += step.kind === "group" ? step.writes.length : ["compact", "idle"].includes(step.kind) ? 0 : 1;
    }
  }

  /** What a look has shown is what was acknowledged, and of the step under way all or nothing. Throws if it is not. */
  verify({ documents, found, indexes, problems, version }) {
    if (problems.length > 0) throw new Error(`damage: ${problems.join("; ")}`);
    if (version < this.#version) throw new Error(`version ${version} after ${this.#version}`);
    this.#version = version;
    const seen = new Map(documents.map(([key, json, expires]) => [key, `${json} ${expires}`]));
    const underWay = stepOf(this.#seed, this.next);
    const states = [new Map(this.#documents)];
    const parts = underWay.kind === "group" ? underWay.writes.map((write) => ({ kind: "set", writes: [write] })) : [underWay];
    for (const part of parts) {
      const state = new Map(states.at(-1));
      apply(part, state);
      states.push(state);
    }
    const reached = states.findLastIndex((state) => same(state, seen));
    if (reached < 0) throw new Error(this.#difference(seen, underWay));
    const ready = new Set(indexes.filter((index) => index.ready).map((index) => index.path));
    for (const path of PATHS) {
      // The one that is being made or dropped may be there or not; the step is repeated.
      if (path === underWay.path || ready.has(path) === this.#indexes.has(path)) continue;
      throw new Error(`the index on ${path} is ${ready.has(path) ? "" : "not "}there`);
    }
    const right = documents.filter(([, json]) => json.startsWith('{"group":3,')).map(([key]) => key);
    if (JSON.stringify(right) !== JSON.stringify(found)) throw new Error("find gives other keys");
    const changed = !same(this.#documents, seen);
    this.#documents = states[reached];
    // A step that is not wholly there is carried out again; so is one of which that cannot be told.
    if (changed && reached === states.length - 1) this.next++;
  }

  /** Steps from the next one to the first of a kind. */
  distance(kind, from = 0) {
    let count = from;
    while (stepOf(this.#seed, this.next + count).kind !== kind) count++;
    return count;
  }

  /** What is under way. */
  get underWay() {
    return stepOf(this.#seed, this.next).kind;
  }

  #difference(seen, underWay) {
    const expected = this.#documents;
    const lost = [...expected.keys()].filter((key) => !seen.has(key)).slice(0, 5);
    const invented = [...seen.keys()].filter((key) => !expected.has(key)).slice(0, 5);
    const changed = [...expected.keys()].filter((key) => seen.has(key) && seen.get(key) !== expected.get(key)).slice(0, 5);
    const step = JSON.stringify(underWay).slice(0, 200);
    return `before step ${this.next}: lost ${lost}; invented ${invented}; changed ${changed}; under way: ${step}`;
  }
}

/** What a step does to documents. What expires at once is as good as deleted: nobody looks before it has expired. */
function apply(step, documents) {
  const expires = step.kind === "setEx";
  for (const [key, document] of step.writes ?? []) {
    if (document === undefined || step.ttl === SHORT_TTL) documents.delete(key);
    else documents.set(key, `${JSON.stringify(document)} ${expires}`);
  }
  if (step.kind === "delete") documents.delete(step.key);
  if (step.kind === "deleteRange") {
    for (const key of [...documents.keys()]) if (key >= step.range.gte && key < step.range.lt) documents.delete(key);
  }
}

function same(left, right) {
  if (left.size !== right.size) return false;
  for (const [key, value] of left) if (right.get(key) !== value) return false;
  return true;
}

/** When to kill: after so many acknowledged steps, or while it opens; and so many milliseconds later. */
export function momentOf(random, model) {
  const roll = random.below(10);
  if (roll < 2) return { steps: 0, opening: true, pauseMs: 0 };
  if (roll < 7) {
    // Into the next step of a kind that takes longer.
    const kind = random.pick(["createIndex", "createIndex", "dropIndex", "compact", "transaction", "group"]);
    return { steps: model.distance(kind, random.below(80)), opening: false, pauseMs: random.below(10) };
  }
  return { steps: random.below(200), opening: false, pauseMs: random.below(10) };
}

/** How many kills a database gets, for each of four databases with other options. */
export const killsOf = (torture) => (torture ? 60 : 5);
