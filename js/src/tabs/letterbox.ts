/**
 * Where a page leaves letters: in localStorage, because a page that goes away can still write there at once. IndexedDB would
 * need a connection that was opened before, and WebCrypto answers too late. Workers have no localStorage.
 */
import { tryStorage } from "../storage/local-storage.js";

const PREFIX = "ferrolite-letters/";

/** The key of a client's letter. */
export const letterKey = (file: string, client: string): string => `${PREFIX}${file}/${client}`;

/** The keys of all letters to a file. */
export function letterKeys(file: string): string[] {
  return tryStorage((storage) => Object.keys(storage).filter((key) => key.startsWith(`${PREFIX}${file}/`))) ?? [];
}

/** Drops all letters to a file. */
export function dropLetters(file: string): void {
  for (const key of letterKeys(file)) tryStorage((storage) => storage.removeItem(key));
}
