// No database: a Map of JSON texts, and an index in memory. Nothing is kept; every worker and page fills it again.
import { pairsOf } from "../documents.js";
import { KeyIndex } from "./key-index.js";

export async function open(_name, { count, part } = {}) {
  const texts = new Map();
  const index = new KeyIndex();
  const put = (key, document) => {
    texts.set(key, JSON.stringify(document));
    index.set(key, document);
  };
  const putAll = (pairs) => {
    for (const [key, document] of pairs) put(key, document);
  };
  if (part === "work") putAll(pairsOf(0, count, count));

  const get = (key) => JSON.parse(texts.get(key));
  const all = (keys) => keys.map(get);
  return {
    put,
    insertMany: putAll,
    get,
    getMany: all,
    scan: () => all(index.keys()),
    range: (from, limit) => all(index.from(from, limit)),
    equals: (group) => all(index.equal("group", group)),
    equalsKeys: (group) => index.equal("group", group),
    nested: (city) => all(index.equal("city", city)),
    nestedRange: (from, to) => all(index.between("city", from, to)),
    updateMany: putAll,
    deleteMany: (keys) => {
      for (const key of keys) texts.delete(key);
      index.deleteMany(keys);
    },
    close: () => {},
  };
}
