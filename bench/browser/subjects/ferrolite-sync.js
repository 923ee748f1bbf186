// FerroliteSync: the engine runs in the thread that calls it.
import { FerroliteSync, Transaction } from "/ferrolite/sync.js";

export async function open(name) {
  const db = await FerroliteSync.open(name);
  db.createIndex("group");
  db.createIndex("address.city");
  const documents = (where) => db.query({ where }).map(({ value }) => value);
  return {
    put: (key, document) => db.set(key, document),
    insertMany: (pairs) => db.setMany(pairs),
    get: (key) => db.get(key),
    getMany: (keys) => db.getMany(keys),
    scan: () => db.values(),
    range: (from, limit) => db.values({ gte: from, limit }),
    equals: (group) => documents({ group }),
    equalsKeys: (group) => db.find("group", group),
    nested: (city) => documents({ "address.city": city }),
    nestedRange: (from, to) => documents({ "address.city": { gte: from, lte: to } }),
    updateMany: (pairs) => db.setMany(pairs),
    deleteMany: (keys) => db.commit(keys.reduce((transaction, key) => transaction.delete(key), new Transaction())),
    close: () => db.close(),
  };
}
