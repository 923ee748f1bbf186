/** The localStorage of the page. */

/** Does `work` with the storage. It may be missing, forbidden or full: then the result is `undefined`. */
export function tryStorage<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return globalThis.localStorage === undefined ? undefined : work(globalThis.localStorage);
  } catch {
    return undefined;
  }
}
