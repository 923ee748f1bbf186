// idb-keyval: keys and values, and nothing else.
import { createStore, delMany, get, getMany, set, setMany, values } from "../peers/idb-keyval.js";

export async function open(name) {
  const store = createStore(name, "documents");
  return {
    put: (key, document) => set(key, document, store),
    insertMany: (pairs) => setMany(pairs, store),
    get: (key) => get(key, store),
    getMany: (keys) => getMany(keys, store),
    scan: () => values(store),
    updateMany: (pairs) => setMany(pairs, store),
    deleteMany: (keys) => delMany(keys, store),
    // It has no verb for it.
    close: () => {},
  };
}
