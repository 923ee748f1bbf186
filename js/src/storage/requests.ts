/** IndexedDB's requests as promises. */

/** What a request comes to. */
export function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Opens a database that exists; one that does not is made by `create`, or, without it, is `undefined`. */
export function openDatabase(name: string, create?: (database: IDBDatabase) => void): Promise<IDBDatabase | undefined> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    let isAbsent = false;
    request.onupgradeneeded = () => {
      if (create !== undefined) return create(request.result);
      // Without this one look would have made it.
      isAbsent = true;
      request.transaction!.abort();
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = (event) => {
      event.preventDefault();
      if (isAbsent) resolve(undefined);
      else reject(request.error);
    };
  });
}
