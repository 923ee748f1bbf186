// IndexedDB as it is.

export async function open(name, { durability }) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    const store = opening.result.createObjectStore("documents");
    store.createIndex("group", "group");
    store.createIndex("city", "address.city");
  };
  const db = await done(opening);

  const reading = () => db.transaction("documents", "readonly").objectStore("documents");
  const write = (change) => {
    const transaction = db.transaction("documents", "readwrite", { durability });
    change(transaction.objectStore("documents"));
    transaction.commit();
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  };
  const putAll = (pairs) =>
    write((store) => {
      for (const [key, document] of pairs) store.put(document, key);
    });
  return {
    put: (key, document) => write((store) => store.put(document, key)),
    insertMany: putAll,
    get: (key) => done(reading().get(key)),
    getMany: (keys) => {
      const store = reading();
      return Promise.all(keys.map((key) => done(store.get(key))));
    },
    scan: () => done(reading().getAll()),
    range: (from, limit) => done(reading().getAll(IDBKeyRange.lowerBound(from), limit)),
    equals: (group) => done(reading().index("group").getAll(group)),
    equalsKeys: (group) => done(reading().index("group").getAllKeys(group)),
    nested: (city) => done(reading().index("city").getAll(city)),
    nestedRange: (from, to) => done(reading().index("city").getAll(IDBKeyRange.bound(from, to))),
    updateMany: putAll,
    deleteMany: (keys) =>
      write((store) => {
        for (const key of keys) store.delete(key);
      }),
    close: () => db.close(),
  };
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
