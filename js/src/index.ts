/** The package as browsers see it. */
import { ownSource } from "./streams/bytes.js";
import { byteSource } from "./streams/byte-pieces.js";
import { Database } from "./api/database.js";
import type { KeyMaterial } from "./arguments/encryption.js";
import { needed } from "./error.js";
import { deferred } from "./api/load-deferred.js";
import * as opening from "./worker/opening.js";
import { assertOpenArguments } from "./arguments/options.js";
import type { SalvageReport } from "./protocol/reports.js";
import { openedUnlessAborted } from "./arguments/signals.js";
import { setTimeout } from "./protocol/timers.js";
import type { ImportOptions, ImportSource, OpenOptions, SalvageOptions } from "./types.js";
import { withKey } from "./api/with-key.js";

export type { ActiveTransaction } from "./api/active-transaction.js";
export type { Collection } from "./api/collection.js";
export type { Database } from "./api/database.js";
export { type Defined, defined } from "./api/defined.js";
export { type ErrorCode, FerroliteError } from "./error.js";
export type {
  AtPath, Explanation, Filter, FindPage, IndexOptions, Operators, OrderBy, PathOf, Query, QueryPage, Selected, SelectQuery,
} from "./api/query.js";
export type { CacheStats, CheckReport, Latency, LostPart, SalvageReport, Stats } from "./protocol/reports.js";
export type { Snapshot } from "./api/snapshot.js";
export { Transaction } from "./api/transaction.js";
export type * from "./types.js";
export type { Watch } from "./api/watch.js";

/** How long after a database was opened the rest of the scripts is loaded, that it be there when the server is not. */
const REST_MS = 1000;

/** An open database: one file, which all tabs and workers that open it share. Its verbs are those of `Database`. */
export class Ferrolite extends Database {
  private constructor(...opened: opening.Opened) {
    super(...opened, async (facts) => (await administration()).refreshed(facts));
  }

  /**
   * Opens a database, and makes it when it does not exist.
   *
   * In browsers the name is free; the file lies in the origin's private file system, or, where that does not work, in
   * IndexedDB. One that the browser has cleared since a page of this site last had it open is `Evicted`, once. In Node the
   * name is the path of the file, to which `.ferrolite` is added when it has no extension. There, all
   * openings in one thread share the database, and another process gets `Locked`.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<Ferrolite> {
    assertOpenArguments(name, options);
    const { encryption, signal, ...rest } = options;
    const db = await openedUnlessAborted(() => withKey(encryption, (material) => Ferrolite.#open(name, rest, material)), signal);
    setTimeout(() => void Promise.allSettled([administration(), byteSource(), deferred()]), REST_MS);
    return db;
  }

  static async #open(name: string, options: OpenOptions, encryption: KeyMaterial | undefined): Promise<Ferrolite> {
    const { wasmUrl, wasmModule, worker, ...plain } = options;
    const isPlain = wasmUrl === undefined && wasmModule === undefined && worker === undefined;
    const { loading, rest } = isPlain ? { loading: {}, rest: plain } : (await administration()).splitLoading(options, opening.base());
    const how: opening.How = [name, rest, encryption, loading];
    const opened = await opening.open(...how).catch(async (thrown) => {
      const { openAgain } = await administration().catch(() => {
        throw thrown;
      });
      return openAgain(opening, thrown, how);
    });
    return new Ferrolite(...opened);
  }

  /**
   * Makes a new database of the bytes of one, as `export` gives them, and opens it as `open` does. A name that exists is
   * refused. What is no database, was cut short, or is opened by another key leaves nothing behind; a program that is
   * killed leaves a file that does not open, and that the next import replaces.
   */
  static async import(name: string, source: ImportSource, options: ImportOptions = {}): Promise<Ferrolite> {
    const bytes = ownSource(source);
    return withKey(options?.encryption, async (material) => {
      const { importFrom } = await administration();
      return new Ferrolite(...(await importFrom(opening, name, bytes, options, material)));
    });
  }

  /**
   * Recovers what can be read of a damaged database into a new one, and reports what is lost. The damaged one is not
   * changed. Nothing is invented: each page and each commit is proven by its checksum. When it fails, or is broken off
   * by `signal`, the new database is removed.
   */
  static async salvage(name: string, out: string, options: SalvageOptions = {}): Promise<SalvageReport> {
    return withKey(options?.encryption, async (material) => (await administration()).salvage(opening, name, out, options, material));
  }

  /** Deletes a database, wherever it is; whether there was one. `Locked` while it is open anywhere. */
  static async delete(name: string): Promise<boolean> {
    return (await administration()).remove(name);
  }

  /**
   * Asks the browser to keep the data of this site when the disk becomes full; whether it will. It decides by itself, or asks
   * its user, for whom this waits ten seconds. Pages alone may ask; elsewhere this tells what holds. In Node it is `true`.
   */
  static async persist(): Promise<boolean> {
    return (await administration()).persist();
  }

  /** The names of the databases here; in Node, of those in a directory. */
  static async list(_directory?: string): Promise<string[]> {
    return (await administration()).list();
  }
}

function administration() {
  return needed(import("./api/administration.js"));
}
