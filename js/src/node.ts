/** The package as Node, Bun and Deno see it: the engine runs in process, over the runtime's own files. */
import { ownSource } from "./streams/bytes.js";
import { Channel } from "./protocol/channel.js";
import { Database } from "./api/database.js";
import type { KeyMaterial } from "./arguments/encryption.js";
import { FerroliteError, isReport } from "./error.js";
import { Importing } from "./protocol/ferrolite.js";
import { feed, splitImportOptions } from "./streams/import.js";
import { type Loading, splitLoading } from "./arguments/loading.js";
import { base, loadEngine } from "./node/engine.js";
import { databasePath, fileFacts, list, NodeHost, remove } from "./node/files.js";
import { type Client, inMemory, type Link, linkTo, openShared, share } from "./node/shared.js";
import { assertName, assertOpenArguments } from "./arguments/options.js";
import { memoryFacts, splitOptions } from "./arguments/storage-options.js";
import type { Request, SessionRequest } from "./protocol/protocol.js";
import type { SalvageReport } from "./protocol/reports.js";
import { salvage } from "./worker/salvage.js";
import { splitSalvageOptions } from "./arguments/salvage-options.js";
import { openedUnlessAborted } from "./arguments/signals.js";
import { performance, setImmediate } from "./node/timers.js";
import type { ExportOptions, ImportOptions, ImportSource, OpenOptions, SalvageOptions, StorageFacts } from "./types.js";
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

/** How long requests may be answered within one turn of the event loop. */
const TURN_MS = 4;

/**
 * Hands requests to the engine at once, for that is fastest; but a loop of awaited calls would then never leave the
 * microtask queue, and timers, sockets and the engine's own slices would wait for its end. So once a turn of the event
 * loop has lasted `TURN_MS`, requests stay in the channel's queue, where calls can be aborted, until `resume` at the next one.
 */
function inTurns<R>(handle: (request: R) => void, resume: () => void): { post: (request: R) => void; isOver: () => boolean } {
  let endMs: number | undefined;
  const beginTurn = () => {
    endMs = undefined;
    resume();
  };
  const post = (request: R) => {
    if (endMs === undefined) {
      endMs = performance.now() + TURN_MS;
      setImmediate(beginTurn);
    }
    handle(request);
  };
  return { post, isOver: () => endMs !== undefined && performance.now() > endMs };
}

/** An open database; the documentation is at the browser's class in `index.ts`, which has the same shape. */
export class Ferrolite extends Database {
  private constructor(channel: Channel, storage: StorageFacts) {
    super(channel, storage, () => {}, async (facts) => facts);
  }

  static async open(name: string, options: OpenOptions = {}): Promise<Ferrolite> {
    assertOpenArguments(name, options);
    const { loading, rest } = splitLoading(options, base(), false);
    const { encryption, signal, ...plainOptions } = rest;
    const split = splitOptions(plainOptions, ["file"]);
    return openedUnlessAborted(() => withKey(encryption, (material) => Ferrolite.#open(name, split, material, loading)), signal);
  }

  static async #open(
    name: string,
    { place, engine: options }: ReturnType<typeof splitOptions>,
    encryption: KeyMaterial | undefined,
    loading: Loading,
  ): Promise<Ferrolite> {
    await loadEngine(loading);
    if (place.storage === "memory") return Ferrolite.#serve(memoryFacts, (client) => inMemory(options, encryption, client));
    return Ferrolite.#serve(fileFacts(databasePath(name)), (client) => {
      return openShared({ name, options, encryption, lockTimeoutMs: place.lockTimeout, client });
    });
  }

  /** A client of the engine to which `connect` leads. */
  static async #serve(facts: StorageFacts, connect: (client: Client) => Promise<Link>): Promise<Ferrolite> {
    let link: Link | undefined;
    const turns = inTurns((request: Request) => link?.handle(request as SessionRequest), () => channel.pump());
    const channel: Channel = new Channel(turns.post, turns.isOver, Infinity);
    link = await connect({ receive: (response) => channel.receive(response), renewed: () => channel.renew() });
    return new Ferrolite(channel, facts);
  }

  static async import(name: string, source: ImportSource, options: ImportOptions = {}): Promise<Ferrolite> {
    const bytes = ownSource(source);
    const { open, watched } = splitImportOptions(name, bytes, options);
    const { loading, rest } = splitLoading(open, base(), false);
    const { encryption, ...plainOptions } = rest;
    const split = splitOptions(plainOptions, ["file"]);
    return withKey(encryption, (material) => Ferrolite.#import(name, bytes, split, material, watched, loading));
  }

  static async #import(
    name: string,
    source: ImportSource,
    { place: { storage, lockTimeout }, engine: options }: ReturnType<typeof splitOptions>,
    encryption: KeyMaterial | undefined,
    watched: ExportOptions,
    loading: Loading,
  ): Promise<Ferrolite> {
    await loadEngine(loading);
    const path = databasePath(name);
    const host = storage === "memory" ? undefined : new NodeHost(lockTimeout);
    let importing: Importing | undefined;
    try {
      importing = await Importing.begin(host, path, options, encryption?.terms, encryption?.secret);
      const taker = importing;
      await feed(source, watched, async (bytes) => {
        taker.write(bytes);
        await new Promise((resolve) => setImmediate(resolve));
      });
      importing = undefined;
      const connection = await taker.finish();
      if (host === undefined) return await Ferrolite.#serve(memoryFacts, async (client) => linkTo(connection, client));
      return await Ferrolite.#serve(fileFacts(path), (client) => {
        return share(connection, host, { name, options, encryption, lockTimeoutMs: lockTimeout, client });
      });
    } catch (thrown) {
      await importing?.giveUp();
      host?.closeAll();
      throw (isReport(thrown) ? host?.explain(thrown) : undefined) ?? FerroliteError.from(thrown, "Internal");
    }
  }

  static async salvage(name: string, out: string, options: SalvageOptions = {}): Promise<SalvageReport> {
    const { loading, rest } = splitSalvageOptions(name, out, options, base(), false);
    return withKey(rest.encryption, (material) => Ferrolite.#salvage(databasePath(name), databasePath(out), rest, material, loading));
  }

  static async #salvage(
    path: string,
    out: string,
    options: SalvageOptions,
    encryption: KeyMaterial | undefined,
    loading: Loading,
  ): Promise<SalvageReport> {
    await loadEngine(loading);
    const host = new NodeHost();
    try {
      return await salvage(host, path, out, encryption, {
        pause: () => new Promise((resolve) => setImmediate(resolve)),
        isAborted: () => options.signal?.aborted === true,
        signal: options.signal,
        progress: (done) => options.onProgress?.(done),
      });
    } catch (thrown) {
      host.closeAll();
      throw isReport(thrown) ? host.explain(thrown) : FerroliteError.from(thrown, "Internal");
    }
  }

  static async delete(name: string): Promise<boolean> {
    assertName(name);
    return remove(name);
  }

  /** Files stay. */
  static async persist(): Promise<boolean> {
    return true;
  }

  static async list(directory = "."): Promise<string[]> {
    return list(directory);
  }
}
