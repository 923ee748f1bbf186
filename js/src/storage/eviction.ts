/**
 * Marks of the databases that there should be, in the page's localStorage. A browser that clears what a site keeps in OPFS and
 * IndexedDB to make room leaves these, and so an empty database is not taken for the old one. Workers have no localStorage.
 */
import type { DurableKind } from "./ladder.js";

const PREFIX = "ferrolite/";

/** Where a database was when it was last opened here, if it was not deleted since. */
export function expected(name: string): DurableKind | undefined {
  const kind = tryTo((storage) => storage.getItem(PREFIX + name));
  return kind === "opfs" || kind === "indexeddb" ? kind : undefined;
}

/** A database is there. */
export function remember(name: string, kind: string): void {
  if (kind === "opfs" || kind === "indexeddb") tryTo((storage) => storage.setItem(PREFIX + name, kind));
}

/** A database was deleted, or its loss was told. */
export function forget(name: string): void {
  tryTo((storage) => storage.removeItem(PREFIX + name));
}

/** Storage may be missing, forbidden or full: then there are no marks. */
function tryTo<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return globalThis.localStorage === undefined ? undefined : work(globalThis.localStorage);
  } catch {
    return undefined;
  }
}
