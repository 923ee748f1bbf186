// A fixed stream of operations, with the answers that a model has worked out: tests/model/stream.rs draws it, and plays
// it on the hosts of Rust. Here it is played through the package.
import { equal, ok } from "../support/assert.mjs";

const file = new URL("./stream.ndjson", import.meta.url);

async function lines() {
  const text =
    file.protocol === "file:"
      ? await (await import("node:fs/promises")).readFile(file, "utf8")
      : await (await fetch(file)).text();
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

// What is null in the file was not given.
const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
const seconds = (operation) => operation.ttlMs / 1000;

// Documents are written in the file as JavaScript writes them; so their text says whether they are the same.
const text = (document) => (document === undefined ? null : JSON.stringify(document));

class Player {
  constructor(host) {
    this.host = host;
    this.version = 0;
  }

  /** A write that answers with a version, which the file does not tell. */
  async commit(promise) {
    const version = await promise;
    ok(version >= this.version, `version ${version} comes after ${this.version}`);
    this.version = version;
    return null;
  }

  transaction(parts) {
    const transaction = new this.host.Transaction();
    for (const part of parts) {
      if (part.verb === "delete") transaction.delete(part.key);
      else if (part.verb === "set") transaction.set(part.key, JSON.parse(part.json));
      else transaction.setEx(part.key, JSON.parse(part.json), seconds(part));
    }
    return transaction;
  }

  async write(operation) {
    const { db } = this;
    switch (operation.verb) {
      case "set": return this.commit(db.set(operation.key, JSON.parse(operation.json)));
      case "setEx": return this.commit(db.setEx(operation.key, JSON.parse(operation.json), seconds(operation)));
      case "setMany": return this.commit(db.setMany(operation.documents.map(([key, json]) => [key, JSON.parse(json)])));
      case "delete": return db.delete(operation.key);
      case "deleteRange": return db.deleteRange(given(operation.range));
      case "expire": return db.expire(operation.key, seconds(operation));
      case "persist": return db.persist(operation.key);
      case "commit": return this.commit(db.commit(this.transaction(operation.writes)));
    }
    throw new Error(`${operation.verb} is not known here`);
  }

  async read(operation, answer) {
    const { db } = this;
    switch (operation.verb) {
      case "get": return this.document(await db.get(operation.key), answer);
      case "getMany": return (await db.getMany(operation.keys)).map(text);
      case "ttl": return this.lifetime(await db.ttl(operation.key), answer);
      case "count": return db.count(given(operation.range));
      case "keys": return db.keys(given(operation.range));
      case "entries": return this.entries(given(operation.range));
      case "find": return db.find(operation.path, JSON.parse(operation.condition), given(operation.options));
      case "indexes": return (await db.indexes()).map(({ path }) => path);
      case "check": return this.check();
    }
    throw new Error(`${operation.verb} is not known here`);
  }

  /** Of what the file tells of a document, the package tells its text. */
  document(document, answer) {
    return document === undefined ? null : { ...answer, json: text(document) };
  }

  /** Here time goes on, there it stood still. */
  lifetime(left, answer) {
    if (typeof left !== "number") return left === undefined ? "missing" : left;
    ok(left * 1000 <= answer && left * 1000 > answer - 600_000, `${left} seconds are left`);
    return answer;
  }

  async check() {
    const { problems } = await this.db.check({ full: true });
    return problems.length === 0 ? "sound" : problems;
  }

  async entries(range) {
    const entries = await this.db.entries(range);
    const scanned = [];
    for await (const entry of this.db.scan(range)) scanned.push(entry);
    equal(scanned, entries, "a scan");
    equal(await this.db.values(range), entries.map(([, document]) => document), "values");
    return entries.map(([key, document]) => [key, text(document)]);
  }

  async act(operation, answer) {
    switch (operation.verb) {
      case "group": return Promise.all(operation.writes.map((write) => this.play(write)));
      case "createIndex": return !(await this.db.createIndex(operation.path));
      case "dropIndex": return this.db.dropIndex(operation.path);
      case "flush": return (await this.db.flush()) ?? null;
      case "compact": return (await this.db.compact()) ?? null;
      case "reopen": return this.reopen();
    }
    return reads.has(operation.verb) ? this.read(operation, answer) : this.write(operation);
  }

  async reopen() {
    if (this.db !== undefined && !this.host.persistent) return null;
    await this.db?.close();
    this.db = await this.host.open(this.options);
    return null;
  }

  /** The answer, or the code of the error. */
  async play(operation, answer) {
    try {
      return await this.act(operation, answer);
    } catch (error) {
      if (error.name !== "FerroliteError") throw error;
      return { error: error.code };
    }
  }
}

const reads = new Set(["get", "getMany", "ttl", "count", "keys", "entries", "find", "indexes", "check"]);

const settings = [
  ["as by default", undefined],
  ["in small pages, without a cache", { pageSize: 512, memtableSize: 16 << 10, cacheSize: 0, compression: "none" }],
  ["under another durability", { durability: "never", compression: "lz4", pageSize: 1000 }],
];

export default settings.map(([name, options]) => ({
  name: `a stream of operations has the answers of the model, ${name}`,
  async run(host) {
    const player = new Player(host);
    player.options = options;
    await player.reopen();
    for (const [index, { operation, answer }] of (await lines()).entries()) {
      const told = await player.play(operation, answer);
      equal(canonical(told), canonical(answer), `line ${index + 1}: ${JSON.stringify(operation).slice(0, 500)}`);
    }
    equal(await player.check(), "sound");
  },
}));

// `undefined` is what a write in a group tells as null, and the order of fields is no matter.
function canonical(value) {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === undefined || value === null || typeof value !== "object") return value ?? null;
  return Object.fromEntries(Object.entries(value).sort().map(([name, member]) => [name, canonical(member)]));
}
