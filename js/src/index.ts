/** The package as browsers see it: a database's file is held by a worker, which one of those who have it open has started. */
import { Channel } from "./channel.js";
import { Database } from "./database.js";
import { type KeyMaterial, optionalKeyMaterial, wipe } from "./encryption.js";
import { FerroliteError } from "./error.js";
import { feed } from "./import.js";
import * as opfs from "./opfs.js";
import { assertName, assertOpenArguments, splitOptions } from "./options.js";
import type { PlainOptions, Request, Response, StorageFacts } from "./protocol.js";
import type { SalvageReport } from "./reports.js";
import { assertSalvageArguments } from "./salvage-options.js";
import { canShare, Client, type Opening } from "./tabs/client.js";
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
   * In browsers the name is free; the file lies in the origin's private file system. In Node it is the path of the
   * file, to which `.ferrolite` is added when it has no extension. There, whoever comes second gets `Locked`.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<Ferrolite> {
    assertOpenArguments(name, options);
    const { encryption, ...plainOptions } = options;
    splitOptions(plainOptions);
    const material = optionalKeyMaterial(encryption);
    try {
      return await Ferrolite.#open(name, plainOptions, material);
    } finally {
      wipe(material);
    }
  }

  static async #open(name: string, options: PlainOptions, encryption: KeyMaterial | undefined): Promise<Ferrolite> {
    if (isShared(options)) {
      const client = new Client(openingOf(name, options, encryption));
      return new Ferrolite(client.channel, await client.open(), () => client.end());
    }
    const { worker, channel } = startWorker();
    try {
      const facts = (await channel.request({ kind: "open", name, options, encryption })) as StorageFacts;
      return new Ferrolite(channel, facts, () => worker.terminate());
    } catch (thrown) {
      worker.terminate();
      throw FerroliteError.from(thrown, "Io");
    }
  }

  /**
   * Makes a new database of the bytes of one, as `export` gives them, and opens it as `open` does. A name that exists is
   * refused. What is no database, was cut short, or is opened by another key leaves nothing behind; a program that is
   * killed leaves a file that does not open, and that the next import replaces.
   */
  static async import(name: string, source: ImportSource, options: ImportOptions = {}): Promise<Ferrolite> {
    const { open, watched } = splitImportOptions(name, source, options);
    const { encryption, ...plainOptions } = open;
    splitOptions(plainOptions);
    const material = optionalKeyMaterial(encryption);
    try {
      return await Ferrolite.#import(name, source, plainOptions, material, watched);
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
  ): Promise<Ferrolite> {
    const client = isShared(options) ? new Client(openingOf(name, options, encryption)) : undefined;
    const hold = client && (await takeAlone(opfs.fileName(name), "importing", client.lost));
    const { worker, channel } = startWorker();
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
    assertSalvageArguments(name, out, options);
    const material = optionalKeyMaterial(options.encryption);
    try {
      return await exclusively(opfs.fileName(name), "salvaging", () => Ferrolite.#salvage(name, out, options, material));
    } finally {
      wipe(material);
    }
  }

  static async #salvage(
    name: string,
    out: string,
    options: SalvageOptions,
    encryption: KeyMaterial | undefined,
  ): Promise<SalvageReport> {
    const { worker, channel } = startWorker();
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

  /** Deletes a database; whether there was one. `Locked` while it is open anywhere. */
  static async delete(name: string): Promise<boolean> {
    assertName(name);
    return exclusively(opfs.fileName(name), "deleting", () => opfs.remove(name));
  }

  /** The names of the databases here; in Node, of those in a directory. */
  static async list(_directory?: string): Promise<string[]> {
    return opfs.list();
  }
}

/** Whether others that open the same database share it. */
function isShared(options: PlainOptions): boolean {
  return options.storage !== "memory" && canShare();
}

function openingOf(name: string, options: PlainOptions, encryption: KeyMaterial | undefined): Opening {
  return { name, file: opfs.fileName(name), options, encryption, startWorker };
}

/** A worker for one database, and the channel to it. */
function startWorker(): { worker: Worker; channel: Channel } {
  if (typeof Worker === "undefined") {
    throw new FerroliteError("Unsupported", "there are no workers here; open the database in a page or a worker");
  }
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const channel = new Channel((request, transfer) => worker.postMessage(request, transfer));
  worker.onmessage = ({ data }: MessageEvent<Response>) => {
    channel.receive(data);
    if ("fatal" in data) worker.terminate();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    const why = event.message || "its script could not be loaded; is worker.js served beside the package, as JavaScript?";
    channel.fail(new FerroliteError("Io", `the database's worker failed: ${why}`));
    worker.terminate();
  };
  return { worker, channel };
}
