// The demo by the JavaScript package: the same module in Node and in a page.
import { BATCH_DOCUMENTS, INDEXES, QUERIES } from "./queries.mjs";

/**
 * Loads `text`, lines of JSON, into a new database `name`, indexes it, closes it, opens it again and asks the
 * questions. Gives milliseconds and answers.
 */
export async function runDemo(Ferrolite, name, text) {
  await Ferrolite.delete(name);
  const { times, timed } = stopwatch();
  const db = await timed("load", () => load(Ferrolite, name, text));
  for (const path of INDEXES) await timed(`index ${path}`, () => db.createIndex(path));
  const { storage } = db;
  await db.close();
  const asked = await runQueries(Ferrolite, name);
  return { times: { ...times, ...asked.times }, answers: asked.answers, storage };
}

/** Opens a database that is there, and asks. */
export async function runQueries(Ferrolite, name) {
  const { times, timed } = stopwatch();
  const db = await timed("open", () => Ferrolite.open(name, { create: false }));
  const answers = [];
  for (const query of QUERIES) answers.push(await timed(query.text, () => ask(db, query)));
  await db.close();
  return { times, answers };
}

/** Milliseconds by step. */
function stopwatch() {
  const times = {};
  const timed = async (step, work) => {
    const start = performance.now();
    const result = await work();
    times[step] = performance.now() - start;
    return result;
  };
  return { times, timed };
}

async function load(Ferrolite, name, text) {
  const db = await Ferrolite.open(name);
  let batch = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const { key, value } = JSON.parse(line);
    batch.push([key, value]);
    if (batch.length === BATCH_DOCUMENTS) {
      await db.setMany(batch);
      batch = [];
    }
  }
  if (batch.length > 0) await db.setMany(batch);
  return db;
}

/** The answer to a query; documents as their JSON text. */
async function ask(db, query) {
  switch (query.verb) {
    case "count":
      return db.count(query.range);
    case "get": {
      const document = await db.get(query.key);
      return document === undefined ? null : JSON.stringify(document);
    }
    case "keys":
      return db.keys(query.range);
    case "find":
      return db.find(query.path, query.condition, query.options);
    case "getMany": {
      const keys = await db.keys({ gte: query.from, limit: query.count });
      const documents = await db.getMany(keys);
      return digest(documents.map((document) => JSON.stringify(document)));
    }
    case "digest": {
      const lines = [];
      for await (const [key, document] of db.scan(query.range)) lines.push(`${key}\t${JSON.stringify(document)}`);
      return digest(lines);
    }
    default:
      throw new Error(`no such verb: ${query.verb}`);
  }
}

/** The first 64 bits of the SHA-256 of lines. */
async function digest(lines) {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
