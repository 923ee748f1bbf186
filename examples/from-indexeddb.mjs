// Copies an IndexedDB database, as Dexie makes them, into Ferrolite: object stores become collections, and indexes indexes.
// For browsers. Nothing else must write the old database in the meantime, and it stays as it is.

/**
 * @typedef {import("ferrolite").Ferrolite} Ferrolite
 * @typedef {import("ferrolite").Collection} Collection
 * @typedef {(key: IDBValidKey, store: string) => string} KeyOf
 * @typedef {(value: any, store: string, key: IDBValidKey) => unknown} DocumentOf
 * @typedef {{ documents: Record<string, number>, skipped: string[] }} Report
 */

/** Records that are read and written at once. */
const BATCH = 500;

/**
 * Copies the IndexedDB database `name` into `db`. What a copy that was broken off has left is dropped first; when it was
 * done before, nothing happens. Returns how many documents each collection got, and which indexes were left out.
 *
 * `keyOf(key, store)` gives the document key of an IndexedDB key; `keyText` is the default. `documentOf(value, store, key)`
 * gives the document, for values that JSON does not have: blobs, maps, typed arrays; and takes away fields that are null,
 * which IndexedDB leaves out of its indexes and Ferrolite does not.
 *
 * @param {string} name
 * @param {Ferrolite} db
 * @param {{ keyOf?: KeyOf, documentOf?: DocumentOf }} [options]
 * @returns {Promise<Report>}
 */
export async function copyIndexedDb(name, db, { keyOf = keyText, documentOf = (value) => value } = {}) {
  /** @type {Report | undefined} */
  const done = await db.get(`copied:${name}`);
  if (done !== undefined) return done;
  const source = await openExisting(name);
  try {
    /** @type {Report} */
    const report = { documents: {}, skipped: [] };
    for (const storeName of source.objectStoreNames) {
      await db.dropCollection(storeName);
      const collection = db.collection(storeName);
      const count = await copyStore(source, storeName, collection, keyOf, documentOf);
      await copyIndexes(source, storeName, collection, report.skipped);
      report.documents[storeName] = count;
      const last = await lastNumber(source, storeName);
      if (last !== undefined) await db.set(`last:${storeName}`, last);
    }
    await db.set(`copied:${name}`, report);
    return report;
  } finally {
    source.close();
  }
}

/**
 * The document key of an IndexedDB key. Strings stay as they are; whole numbers from 0 on get 16 digits, so that 9 comes
 * before 10; a date is its ISO text; and the parts of an array are joined by slashes, those in them as `%2F`. So keys of one
 * of these kinds keep their order, and there is an error for all others, which need a `keyOf` of your own.
 *
 * @param {IDBValidKey} key
 * @returns {string}
 */
export function keyText(key) {
  if (typeof key === "string") return key;
  if (typeof key === "number" && Number.isSafeInteger(key) && key >= 0) return String(key).padStart(16, "0");
  if (key instanceof Date) return key.toISOString();
  if (Array.isArray(key)) return key.map((part) => keyText(part).replaceAll("%", "%25").replaceAll("/", "%2F")).join("/");
  throw new TypeError(`no document key is made of the IndexedDB key ${String(key)}; give keyOf`);
}

/**
 * The key of a new document where the old store counted by itself (`autoIncrement`, Dexie's `++id`).
 *
 * @param {Ferrolite} db
 * @param {string} storeName
 */
export async function nextKey(db, storeName) {
  return keyText(Number(await db.increment(`last:${storeName}`)));
}

/**
 * Opens a database that is there, in the version that it has.
 *
 * @param {string} name
 */
function openExisting(name) {
  const request = indexedDB.open(name);
  // An upgrade from nothing: there was none.
  request.onupgradeneeded = () => request.transaction?.abort();
  return result(request).catch(() => {
    throw new Error(`there is no IndexedDB database ${name}`);
  });
}

/**
 * Copies the records of a store. Returns how many there were.
 *
 * @param {IDBDatabase} source
 * @param {string} storeName
 * @param {Collection} collection
 * @param {KeyOf} keyOf
 * @param {DocumentOf} documentOf
 */
async function copyStore(source, storeName, collection, keyOf, documentOf) {
  let count = 0;
  /** @type {IDBKeyRange | undefined} */
  let range;
  for (;;) {
    // A transaction of IndexedDB ends while something else is waited for, so each batch has its own.
    const store = source.transaction(storeName).objectStore(storeName);
    const [keys, values] = await Promise.all([result(store.getAllKeys(range, BATCH)), result(store.getAll(range, BATCH))]);
    if (keys.length === 0) break;
    await collection.setMany(keys.map((key, at) => [keyOf(key, storeName), documentOf(values[at], storeName, key)]));
    count += keys.length;
    range = IDBKeyRange.lowerBound(keys.at(-1), true);
  }
  const stored = await collection.count();
  if (stored !== count) throw new Error(`${count - stored} keys of ${storeName} fall together; give keyOf`);
  return count;
}

/**
 * Makes the indexes of a store. Those that are left out are told in `skipped`.
 *
 * @param {IDBDatabase} source
 * @param {string} storeName
 * @param {Collection} collection
 * @param {string[]} skipped
 */
async function copyIndexes(source, storeName, collection, skipped) {
  const store = source.transaction(storeName).objectStore(storeName);
  for (const { name, keyPath, unique, multiEntry } of [...store.indexNames].map((name) => store.index(name))) {
    const paths = [...(typeof keyPath === "string" ? [keyPath] : keyPath)];
    // Dexie's "&" is unique, "*" is multiEntry, and "[a+b]" has two paths.
    if (paths.includes("") || paths.length > 8) skipped.push(`${storeName}.${name}`);
    else await collection.createIndex(paths, { unique, multi: multiEntry });
  }
}

/**
 * The greatest number among the keys of a store that counts by itself.
 *
 * @param {IDBDatabase} source
 * @param {string} storeName
 */
async function lastNumber(source, storeName) {
  const store = source.transaction(storeName).objectStore(storeName);
  if (!store.autoIncrement) return undefined;
  const cursor = await result(store.openKeyCursor(IDBKeyRange.upperBound(Number.MAX_SAFE_INTEGER), "prev"));
  return typeof cursor?.key === "number" ? Math.floor(cursor.key) : 0;
}

/**
 * What an IndexedDB request gives.
 *
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = (event) => {
      event.preventDefault();
      reject(request.error);
    };
  });
}
