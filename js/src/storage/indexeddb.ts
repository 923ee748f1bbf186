/** Databases in IndexedDB, from outside: each file is a database of its own there, so that they do not wait for each other. */
import { setTimeout } from "../protocol/timers.js";
import { openDatabase, settled } from "./requests.js";

const PREFIX = "ferrolite/";
/** A tab that was closed or reloaded a moment ago may still hold its file: how long to wait for it. */
const LOCK_WAIT_MS = 500;
/** How long a deletion waits for connections that the browser has not closed yet. */
const BLOCKED_MS = 5000;
const BLOCKED = "a worker that has ended still has it open; close the site's tabs, then delete it again";

/** The name of the IndexedDB database that a file is. */
export const databaseName = (file: string): string => PREFIX + file;

/**
 * Returns why files cannot be in IndexedDB here; `undefined` if nothing is known. Throws if the browser refuses locks, which open
 * files hold. Then IndexedDB is not asked: in a sandboxed frame Chromium would also leave a rejection that nobody can handle.
 */
export async function lacking(): Promise<string | undefined> {
  if (typeof indexedDB === "undefined" || indexedDB === null) return "no IndexedDB";
  if (navigator.locks === undefined) return "no Web Locks (they need https or localhost)";
  await navigator.locks.query();
  return undefined;
}

/** True if there is this file. Throws what the browser throws where IndexedDB does not work. */
export async function has(file: string): Promise<boolean> {
  const name = databaseName(file);
  // Looking it up costs less than opening it, which begins to make it.
  if (typeof indexedDB.databases === "function") return (await databases()).includes(name);
  const database = await openDatabase(name);
  database?.close();
  return database !== undefined;
}

/** The names of all files. */
export async function listFiles(): Promise<string[]> {
  if (typeof indexedDB.databases !== "function") return [];
  return (await databases()).filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
}

/** The names of all databases of this origin. WebKit lists a database of version 0 after a look for a missing one. */
async function databases(): Promise<string[]> {
  return (await indexedDB.databases()).filter(({ version }) => version !== 0).map(({ name }) => name ?? "");
}

/** Removes a file; whether there was one. */
export async function removeFile(file: string): Promise<boolean> {
  if (!(await has(file))) return false;
  const release = await lock(file);
  try {
    await removed(databaseName(file));
    return true;
  } finally {
    release();
  }
}

/**
 * Deletes a database. The lock of its file is ours, so no engine has it open. If the browser itself keeps a connection of a worker
 * that has ended, the deletion is left to the browser.
 */
function removed(name: string): Promise<unknown> {
  const request = indexedDB.deleteDatabase(name);
  const isLate = new Promise<never>((_, reject) => {
    request.onblocked = () => setTimeout(() => reject(new DOMException(BLOCKED, "NoModificationAllowedError")), BLOCKED_MS);
  });
  return Promise.race([settled(request), isLate]);
}

/** Takes the lock of a file; returns how to give it up. The browser does so when the context ends. */
export async function lock(file: string): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await new Promise<void>((resolve, reject) => {
    const hold = () => {
      resolve();
      return held;
    };
    const signal = AbortSignal.timeout(LOCK_WAIT_MS);
    navigator.locks.request(`ferrolite-indexeddb/${file}`, { signal }, hold).catch((thrown) => {
      const isLate = (thrown as DOMException).name === "TimeoutError" || (thrown as DOMException).name === "AbortError";
      reject(isLate ? new DOMException(`${file} is open elsewhere`, "NoModificationAllowedError") : thrown);
    });
  });
  return release;
}
