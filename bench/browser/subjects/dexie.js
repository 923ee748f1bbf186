// Dexie: tables with outbound keys, and its bulk verbs.
import { Dexie } from "../peers/dexie.js";

export async function open(name, { durability }) {
  const db = new Dexie(name, { chromeTransactionDurability: durability });
  db.version(1).stores({ documents: ", group, address.city" });
  await db.open();

  const { documents } = db;
  const putAll = (pairs) =>
    documents.bulkPut(
      pairs.map(([, document]) => document),
      pairs.map(([key]) => key),
    );
  return {
    put: (key, document) => documents.put(document, key),
    insertMany: putAll,
    get: (key) => documents.get(key),
    getMany: (keys) => documents.bulkGet(keys),
    scan: () => documents.toArray(),
    range: (from, limit) => documents.where(":id").aboveOrEqual(from).limit(limit).toArray(),
    equals: (group) => documents.where("group").equals(group).toArray(),
    equalsKeys: (group) => documents.where("group").equals(group).primaryKeys(),
    nested: (city) => documents.where("address.city").equals(city).toArray(),
    nestedRange: (from, to) => documents.where("address.city").between(from, to, true, true).toArray(),
    updateMany: putAll,
    deleteMany: (keys) => documents.bulkDelete(keys),
    close: () => db.close(),
  };
}
