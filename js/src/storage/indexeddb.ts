/** Databases in IndexedDB: each file is a database of its own there, so that they do not wait for each other. */
import { FerroliteError } from "../error.js";
import type { Handle, Host } from "../host.js";
import { createStores, type FileOptions, IndexedDbFile } from "./indexeddb-file.js";
import { openDatabase, settled } from "./requests.js";

const PREFIX = "ferrolite/";
/** A tab that was closed or reloaded a moment ago may still hold its file: how long to wait for it. */
const LOCK_WAIT_MS = 500;

/** The name of the IndexedDB database that a file is. */
export const databaseName = (file: string): string => PREFIX + file;

/** Why there are no files in IndexedDB here; `undefined` when nothing speaks against them. */
export function lacking(): string | undefined {
  if (typeof indexedDB === "undefined" || indexedDB === null) return "no IndexedDB";
  return navigator.locks === undefined ? "no Web Locks (they need https or localhost)" : undefined;
}

/** Whether there is this file. Throws what the browser throws where IndexedDB does not work. */
export async function has(file: string): Promise<boolean> {
  const database = await openDatabase(databaseName(file));
  database?.close();
  return database !== undefined;
}

/** The names of all files. */
export async function listFiles(): Promise<string[]> {
  if (lacking() !== undefined || typeof indexedDB.databases !== "function") return [];
  const names = (await indexedDB.databases()).map(({ name }) => name ?? "");
  return names.filter((name) => name.startsWith(PREFIX)).map((name) => name.slice(PREFIX.length));
}

/** Removes a file; whether there was one. */
export async function removeFile(file: string): Promise<boolean> {
  if (lacking() !== undefined || !(await has(file))) return false;
  const release = await lock(file);
  try {
    await settled(indexedDB.deleteDatabase(databaseName(file)));
    return true;
  } finally {
    release();
  }
}

export class IndexedDbHost implements Host {
  readonly exclusive = true;
  readonly #options: FileOptions;
  readonly #open = new Map<string, { readonly file: IndexedDbFile; readonly ended: Promise<void> }>();
  /** Is called once a file can be stored no more, with the error to tell. */
  onFailure: ((error: FerroliteError) => void) | undefined;

  constructor(options: FileOptions) {
    this.#options = options;
  }

  /** Resolves when everything that was flushed up to now is stored; `undefined` when it is already. */
  get pending(): Promise<unknown> | undefined {
    const pending = [...this.#open.values()].map(({ file }) => file.pending).filter((promise) => promise !== undefined);
    return pending.length === 0 ? undefined : Promise.all(pending);
  }

  async open(name: string, mode: "read" | "write" | "create"): Promise<Handle> {
    await this.#open.get(name)?.ended;
    const release = await lock(name);
    let database: IDBDatabase | undefined;
    try {
      database = await openDatabase(databaseName(name), mode === "create" ? createStores : undefined);
      if (database === undefined) throw new DOMException(`there is no ${name}`, "NotFoundError");
      let end = () => {};
      const ended = new Promise<void>((resolve) => (end = resolve));
      const onEnd = () => {
        this.#open.delete(name);
        release();
        end();
      };
      const file = await IndexedDbFile.open(database, this.#options, onEnd, (reason) => void this.#tell(name, reason));
      this.#open.set(name, { file, ended });
      return file;
    } catch (thrown) {
      database?.close();
      release();
      throw thrown;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#open.get(name)?.ended;
    if (!(await removeFile(name))) throw new DOMException(`there is no ${name}`, "NotFoundError");
  }

  async list(): Promise<string[]> {
    return listFiles();
  }

  async #tell(name: string, reason: unknown): Promise<void> {
    this.onFailure?.(await failure(name, reason));
  }
}

/** What it means for a database that its file cannot be stored. */
async function failure(file: string, reason: unknown): Promise<FerroliteError> {
  const { name: kind, message } = reason as DOMException;
  if (kind === "QuotaExceededError") {
    const what = "make room, by deleting other data of this site, and open the database again";
    return new FerroliteError("StorageFull", `the browser's quota is used up (${message}); what was not yet answered is lost: ${what}`, {
      cause: reason,
    });
  }
  const isThere = await has(file).catch(() => true);
  if (!isThere) return new FerroliteError("Evicted", "the browser or the user has cleared the data of this site, and the database with it");
  return new FerroliteError("Io", `the database could not be stored in IndexedDB (${kind}: ${message}); open it again`, { cause: reason });
}

/** Takes the lock of a file; returns how to give it up. The browser does so when the context ends. */
async function lock(file: string): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await new Promise<void>((resolve, reject) => {
    const hold = () => {
      resolve();
      return held;
    };
    navigator.locks.request(`ferrolite-indexeddb/${file}`, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, hold).catch((thrown) => {
      const isLate = (thrown as DOMException).name === "TimeoutError" || (thrown as DOMException).name === "AbortError";
      reject(isLate ? new DOMException(`${file} is open elsewhere`, "NoModificationAllowedError") : thrown);
    });
  });
  return release;
}
