// PouchDB over its IndexedDB adapter, with the indexes of pouchdb-find.
import { PouchDB } from "../peers/pouchdb.js";

/** Documents have keys from here on; what lies before them are the definitions of indexes. */
const FIRST_KEY = "a";
const ALL = 1e9;

export async function open(name) {
  const db = new PouchDB(name, { adapter: "indexeddb" });
  await db.createIndex({ index: { fields: ["group"], name: "group", ddoc: "group" } });
  await db.createIndex({ index: { fields: ["address.city"], name: "city", ddoc: "city" } });

  const plain = ({ _id, _rev, ...document }) => document;
  const documents = ({ rows }) => rows.map(({ doc }) => plain(doc));
  const find = async (selector, fields) => (await db.find({ selector, fields, limit: ALL })).docs;
  const found = async (selector) => (await find(selector)).map(plain);
  const revisions = async (keys) => (await db.allDocs({ keys })).rows.map(({ value }) => value.rev);
  const succeed = (results) => {
    for (const { error, reason } of results) if (error) throw new Error(reason);
  };
  return {
    put: (key, document) => db.put({ ...document, _id: key }),
    insertMany: async (pairs) => succeed(await db.bulkDocs(pairs.map(([key, document]) => ({ ...document, _id: key })))),
    get: async (key) => plain(await db.get(key)),
    getMany: async (keys) => documents(await db.allDocs({ keys, include_docs: true })),
    scan: async () => documents(await db.allDocs({ startkey: FIRST_KEY, include_docs: true })),
    range: async (from, limit) => documents(await db.allDocs({ startkey: from, limit, include_docs: true })),
    equals: (group) => found({ group }),
    equalsKeys: async (group) => (await find({ group }, ["_id"])).map(({ _id }) => _id),
    nested: (city) => found({ "address.city": city }),
    nestedRange: (from, to) => found({ "address.city": { $gte: from, $lte: to } }),
    // A document is changed by whoever knows its revision.
    updateMany: async (pairs) => {
      const revs = await revisions(pairs.map(([key]) => key));
      succeed(await db.bulkDocs(pairs.map(([key, document], at) => ({ ...document, _id: key, _rev: revs[at] }))));
    },
    deleteMany: async (keys) => {
      const revs = await revisions(keys);
      succeed(await db.bulkDocs(keys.map((key, at) => ({ _id: key, _rev: revs[at], _deleted: true }))));
    },
    close: () => db.close(),
  };
}
