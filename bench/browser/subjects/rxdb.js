// RxDB over its Dexie storage.
import { createRxDatabase, getRxStorageDexie } from "../peers/rxdb.js";

/** RxDB wants a schema of all fields, and lengths of those that are in indexes. */
const text = { type: "string" };
const number = { type: "number" };
const object = (properties) => ({ type: "object", properties, required: Object.keys(properties) });
const schema = {
  version: 0,
  primaryKey: "key",
  ...object({
    key: { type: "string", maxLength: 20 },
    id: number,
    name: text,
    email: text,
    group: { type: "string", maxLength: 20 },
    age: number,
    score: number,
    edition: number,
    address: object({ street: text, city: { type: "string", maxLength: 20 }, position: object({ lat: number, lon: number }) }),
    tags: { type: "array", items: text },
    about: text,
  }),
  // The key, too: without it a range of keys is looked for among all documents.
  indexes: ["key", "group", "address.city"],
};

export async function open(name, { durability }) {
  const storage = getRxStorageDexie({ chromeTransactionDurability: durability });
  const db = await createRxDatabase({ name, storage, multiInstance: false, eventReduce: true });
  const { documents } = await db.addCollections({ documents: { schema } });

  const whole = ([key, document]) => ({ ...document, key });
  const plain = (found) => {
    const { key, ...document } = found.toJSON();
    return document;
  };
  const find = async (selector, more) => (await documents.find({ selector, ...more }).exec()).map(plain);
  const succeed = ({ error }) => {
    if (error.length > 0) throw new Error(JSON.stringify(error[0]));
  };
  return {
    put: async (key, document) => void (await documents.insert(whole([key, document]))),
    insertMany: async (pairs) => succeed(await documents.bulkInsert(pairs.map(whole))),
    get: async (key) => plain(await documents.findOne(key).exec()),
    getMany: async (keys) => {
      const found = await documents.findByIds(keys).exec();
      return keys.map((key) => plain(found.get(key)));
    },
    scan: () => find({}, { sort: [{ key: "asc" }] }),
    range: (from, limit) => find({ key: { $gte: from } }, { sort: [{ key: "asc" }], limit }),
    equals: (group) => find({ group }, { index: ["group", "key"] }),
    nested: (city) => find({ "address.city": city }, { index: ["address.city", "key"] }),
    nestedRange: (from, to) => find({ "address.city": { $gte: from, $lte: to } }, { index: ["address.city", "key"] }),
    updateMany: async (pairs) => succeed(await documents.bulkUpsert(pairs.map(whole))),
    deleteMany: async (keys) => succeed(await documents.bulkRemove(keys)),
    close: () => db.close(),
  };
}
