/**
 * Marks of the databases that there should be, in the page's localStorage. A browser that clears what a site keeps in OPFS and
 * IndexedDB to make room leaves these, and so an empty database is not taken for the old one. Workers have no localStorage.
 */
import { tryStorage } from "./local-storage.js";
import type { DurableKind } from "../protocol/protocol.js";

const PREFIX = "ferrolite/";

/** Where a database was when it was last opened here, if it was not deleted since. */
export function expected(name: string): DurableKind | undefined {
  const kind = tryStorage((storage) => storage.getItem(PREFIX + name));
  return isDurable(kind) ? kind : undefined;
}

const isDurable = (kind: string | null | undefined): kind is DurableKind => kind === "opfs" || kind === "indexeddb";

/** A database is there: where, if it stays when the page ends. */
export function remember(name: string, kind: string): DurableKind | undefined {
  if (!isDurable(kind)) return undefined;
  tryStorage((storage) => storage.setItem(PREFIX + name, kind));
  return kind;
}

/** A database was deleted, or its loss was told. */
export function forget(name: string): void {
  tryStorage((storage) => storage.removeItem(PREFIX + name));
}
