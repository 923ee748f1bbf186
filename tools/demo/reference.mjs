// The demo's answers by a plain search of the documents, for comparison: no database, no index.
import { createHash } from "node:crypto";
import { QUERIES } from "./queries.mjs";

/** The answers that `text`, lines of JSON, has to the questions. */
export function referenceAnswers(text) {
  const documents = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
  documents.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  return QUERIES.map((query) => answer(documents, query));
}

function answer(documents, query) {
  switch (query.verb) {
    case "count":
      return inRange(documents, query.range).length;
    case "get": {
      const found = documents.find(({ key }) => key === query.key);
      return found === undefined ? null : JSON.stringify(found.value);
    }
    case "keys":
      return inRange(documents, query.range).map(({ key }) => key);
    case "find":
      return find(documents, query);
    case "getMany":
      return digest(inRange(documents, { gte: query.from, limit: query.count }).map(({ value }) => JSON.stringify(value)));
    case "digest":
      return digest(inRange(documents, query.range).map(({ key, value }) => `${key}\t${JSON.stringify(value)}`));
    default:
      throw new Error(`no such verb: ${query.verb}`);
  }
}

/** The keys and bounds of the demo are ASCII, which JavaScript orders as bytes. */
function within(value, { gt, gte, lt, lte }) {
  return (
    (gt === undefined || value > gt) &&
    (gte === undefined || value >= gte) &&
    (lt === undefined || value < lt) &&
    (lte === undefined || value <= lte)
  );
}

function inRange(documents, range) {
  const { prefix = "", reverse = false, limit = Infinity } = range;
  const found = documents.filter(({ key }) => key.startsWith(prefix) && within(key, range));
  return (reverse ? found.reverse() : found).slice(0, limit);
}

/** In the order of the values; of documents with equal ones, in the order of the keys. */
function find(documents, { path, condition, options = {} }) {
  const bounds = typeof condition === "object" && condition !== null ? condition : { gte: condition, lte: condition };
  const type = typeof Object.values(bounds)[0];
  const found = documents
    .map(({ key, value }) => ({ key, value: path.split(".").reduce((inner, field) => inner?.[field], value) }))
    .filter(({ value }) => typeof value === type && within(value, bounds));
  found.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return (options.reverse ? found.reverse() : found).slice(0, options.limit ?? Infinity).map(({ key }) => key);
}

function digest(lines) {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex").slice(0, 16);
}
