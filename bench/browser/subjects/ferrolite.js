// Ferrolite: the engine runs in a worker of its own.
import { Ferrolite, Transaction } from "/ferrolite/index.js";

export async function open(name) {
  const db = await Ferrolite.open(name);
  await db.createIndex("group");
  await db.createIndex("address.city");
  const documents = async (where) => (await db.query({ where })).map(({ value }) => value);
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
