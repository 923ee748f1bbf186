/** The package as browsers see it: a database's file is held by a worker, which one of those who have it open has started. */
import type { Channel } from "./channel.js";
import { Database } from "./database.js";
import { type KeyMaterial, optionalKeyMaterial, wipe } from "./encryption.js";
import { FerroliteError } from "./error.js";
import { feed } from "./import.js";
import { type Loading, splitLoading } from "./loading.js";
import { fileName } from "./opfs.js";
import { assertName, assertOpenArguments, splitOptions } from "./options.js";
import type { PlainOptions, Request, StorageFacts } from "./protocol.js";
import type { SalvageReport } from "./reports.js";
import { splitSalvageOptions } from "./salvage-options.js";
import { openedUnlessAborted } from "./signals.js";
import { startWorker } from "./start-worker.js";
import * as everywhere from "./storage/everywhere.js";
import * as eviction from "./storage/eviction.js";
import { persist } from "./storage/facts.js";
import { canShare, Client } from "./tabs/client.js";
import { exclusively, takeAlone } from "./tabs/locks.js";
import { splitImportOptions } from "./transfer-options.js";
import type { ExportOptions, ImportOptions, ImportSource, OpenOptions, SalvageOptions } from "./types.js";

export type { ActiveTransaction } from "./active-transaction.js";
export type { ByteSource } from "./bytes.js";
export type { Collection } from "./collection.js";
export type { Database } from "./database.js";
export { type ErrorCode, FerroliteError } from "./error.js";
export type {
  AtPath, Explanation, Filter, FindPage, IndexOptions, Operators, OrderBy, PathOf, Query, QueryPage, Row,
  Selected, SelectQuery,
} from "./query.js";
export type { CheckReport, Latency, LostPart, SalvageReport, Stats } from "./reports.js";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./schema.js";
export type { Snapshot } from "./snapshot.js";
export { Transaction } from "./transaction.js";
export type * from "./types.js";
export type { Watch } from "./watch.js";

/** An open database: one file, which all tabs and workers that open it share. Its verbs are those of `Database`. */
export class Ferrolite extends Database {
  private constructor(channel: Channel, storage: StorageFacts, release: () => unknown) {
    super(channel, storage, release);
  }

  /**
   * Opens a database, and makes it when it does not exist.
   *
   * In browsers the name is free; the file lies in the origin's private file system, or, where that does not work, in
   * IndexedDB. One that the browser has cleared since a page of this site last had it open is `Evicted`, once. In Node the
   * name is the path of the file, to which `.ferrolite` is added when it has no extension. There, whoever
   * comes second gets `Locked`.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<Ferrolite> {
    assertOpenArguments(name, options);
    const { loading, rest } = splitLoading(options, base());
    const { encryption, signal, ...plainOptions } = rest;
    splitOptions(plainOptions);
    return openedUnlessAborted(async () => {
      const material = optionalKeyMaterial(encryption);
      try {
        return await Ferrolite.#open(name, plainOptions, material, loading);
      } finally {
        wipe(material);
      }
    }, signal);
  }

  static async #open(
    name: string,
    options: PlainOptions,
    encryption: KeyMaterial | undefined,
    loading: Loading,
  ): Promise<Ferrolite> {
    if (!isShared(options)) return Ferrolite.#openAlone(name, options, encryption, loading);
    try {
      // Memory is never shared.
      const client = clientOf(name, { ...options, allowMemory: false }, encryption, loading);
      return new Ferrolite(client.channel, await client.open(), () => client.end());
    } catch (thrown) {
      if (options.allowMemory !== true || (thrown as FerroliteError).code !== "Unsupported") throw thrown;
      return Ferrolite.#openAlone(name, options, encryption, loading);
    }
  }

  static async #openAlone(
    name: string,
    options: PlainOptions,
    encryption: KeyMaterial | undefined,
    loading: Loading,
  ): Promise<Ferrolite> {
    const { worker, channel } = startWorker(name, loading);
    const expected = options.storage === "memory" ? undefined : eviction.expected(name);
    try {
      const facts = (await channel.request({ kind: "open", name, options, encryption, expected })) as StorageFacts;
      eviction.remember(name, facts.kind);
      return new Ferrolite(channel, facts, () => worker.terminate());
    } catch (thrown) {
      worker.terminate();
      const error = FerroliteError.from(thrown, "Io");
      // It is told once: the next time a new database is made.
      if (error.code === "Evicted") eviction.forget(name);
      throw error;
    }
  }

  /**
   * Makes a new database of the bytes of one, as `export` gives them, and opens it as `open` does. A name that exists is
   * refused. What is no database, was cut short, or is opened by another key leaves nothing behind; a program that is
   * killed leaves a file that does not open, and that the next import replaces.
   */
  static async import(name: string, source: ImportSource, options: ImportOptions = {}): Promise<Ferrolite> {
    const { open, watched } = splitImportOptions(name, source, options);
    const { loading, rest } = splitLoading(open, base());
    const { encryption, ...plainOptions } = rest;
    splitOptions(plainOptions);
    const material = optionalKeyMaterial(encryption);
    try {
      return await Ferrolite.#import(name, source, plainOptions, material, watched, loading);
    } finally {
      wipe(material);
    }
  }

  static async #import(
    name: string,
    source: ImportSource,
    options: PlainOptions,
    encryption: KeyMaterial | undefined,
    watched: ExportOptions,
    loading: Loading,
  ): Promise<Ferrolite> {
    const client = isShared(options) ? clientOf(name, options, encryption, loading) : undefined;
    const hold = client && (await takeAlone(fileName(name), "importing", client.lost));
    const { worker, channel } = startWorker(name, loading);
    let isBegun = false;
    try {
      await channel.request({ kind: "import", name, options, encryption });
      isBegun = true;
      await feed(source, watched, (bytes) => channel.request({ kind: "importChunk", bytes }));
      isBegun = false;
      if (client !== undefined && hold !== undefined) {
        const facts = await client.openBy(hold, worker, (sharing) => channel.request({ kind: "importEnd", sharing }));
        return new Ferrolite(client.channel, facts, () => client.end());
      }
      const facts = (await channel.request({ kind: "importEnd" })) as StorageFacts;
      eviction.remember(name, facts.kind);
      return new Ferrolite(channel, facts, () => worker.terminate());
    } catch (thrown) {
      if (isBegun) await channel.request({ kind: "abort" }).catch(() => {});
      worker.terminate();
      await hold?.release();
      await client?.end();
      throw FerroliteError.from(thrown, "Io");
    }
  }

  /**
   * Recovers what can be read of a damaged database into a new one, and reports what is lost. The damaged one is not
   * changed. Nothing is invented: each page and each commit is proven by its checksum. When it fails, or is broken off
   * by `signal`, the new database is removed.
   */
  static async salvage(name: string, out: string, options: SalvageOptions = {}): Promise<SalvageReport> {
    const { loading, rest } = splitSalvageOptions(name, out, options, base());
    const material = optionalKeyMaterial(rest.encryption);
    try {
      return await exclusively(fileName(name), "salvaging", () => Ferrolite.#salvage(name, out, rest, material, loading));
    } finally {
      wipe(material);
    }
  }

  static async #salvage(
    name: string,
    out: string,
    options: SalvageOptions,
    encryption: KeyMaterial | undefined,
    loading: Loading,
  ): Promise<SalvageReport> {
    const { worker, channel } = startWorker(name, loading);
    const abort = () => worker.postMessage({ kind: "abort", id: 0 } satisfies Request);
    options.signal?.addEventListener("abort", abort);
    channel.onProgress = (done) => options.onProgress?.(done);
    try {
      return (await channel.request({ kind: "salvage", name, out, encryption })) as SalvageReport;
    } catch (thrown) {
      throw FerroliteError.from(thrown, "Io");
    } finally {
      options.signal?.removeEventListener("abort", abort);
      worker.terminate();
    }
  }

  /** Deletes a database, wherever it is; whether there was one. `Locked` while it is open anywhere. */
  static async delete(name: string): Promise<boolean> {
    assertName(name);
    const wasThere = await exclusively(fileName(name), "deleting", () => everywhere.remove(name));
    eviction.forget(name);
    return wasThere;
  }

  /**
   * Asks the browser to keep the data of this site when the disk becomes full; whether it will. It decides by itself, or asks
   * its user, for whom this waits ten seconds. Pages alone may ask; elsewhere this tells what holds. In Node it is `true`.
   */
  static async persist(): Promise<boolean> {
    return persist();
  }

  /** The names of the databases here; in Node, of those in a directory. */
  static async list(_directory?: string): Promise<string[]> {
    return everywhere.list();
  }
}

/** Whether others that open the same database share it. */
function isShared(options: PlainOptions): boolean {
  return options.storage !== "memory" && canShare();
}

function clientOf(name: string, options: PlainOptions, encryption: KeyMaterial | undefined, loading: Loading): Client {
  return new Client({ name, file: fileName(name), options, encryption, startWorker: () => startWorker(name, loading) });
}

/** What addresses in options are relative to: the page, or in a worker its script. */
function base(): string | undefined {
  return typeof document === "undefined" ? globalThis.location?.href : document.baseURI;
}
