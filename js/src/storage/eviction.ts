/**
 * Marks of the databases that there should be, in the page's localStorage. A browser that clears what a site keeps in OPFS and
 * IndexedDB to make room leaves these, and so an empty database is not taken for the old one. Workers have no localStorage.
 */
import { tryStorage } from "../tabs/letterbox.js";
import type { DurableKind } from "./ladder.js";

const PREFIX = "ferrolite/";

/** Where a database was when it was last opened here, if it was not deleted since. */
export function expected(name: string): DurableKind | undefined {
  const kind = tryStorage((storage) => storage.getItem(PREFIX + name));
  return kind === "opfs" || kind === "indexeddb" ? kind : undefined;
}

/** A database is there. */
export function remember(name: string, kind: string): void {
  if (kind === "opfs" || kind === "indexeddb") tryStorage((storage) => storage.setItem(PREFIX + name, kind));
}

/** A database was deleted, or its loss was told. */
export function forget(name: string): void {
  tryStorage((storage) => storage.removeItem(PREFIX + name));
}
