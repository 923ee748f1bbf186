/// <reference lib="esnext.disposable" preserve="true" />
import type { ActiveTransaction } from "./active-transaction.js";
import { Caller } from "../protocol/caller.js";
import type { Channel } from "../protocol/channel.js";
import { checkOptionsText, plain, retriesOption } from "../arguments/check.js";
import { Collection } from "./collection.js";
import { wipe } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import type { Refreshed } from "../protocol/host.js";
import { withDeferred } from "./load-deferred.js";
import { assertCollectionName, prefixOf } from "../arguments/names.js";
import type { CheckReport, Stats } from "../protocol/reports.js";
import { forwarding } from "../arguments/receivers.js";
import { assertSchema } from "./schema.js";
import { abortable, assertGoesOn, signalOf, splitSignal } from "../arguments/signals.js";
import { sliced } from "../protocol/sliced.js";
import type { Snapshot } from "./snapshot.js";
import { asyncDispose } from "../dispose.js";
import { Transaction } from "./transaction.js";
import { assertExportOptions } from "../arguments/transfer-options.js";
import type {
  CheckOptions, CollectionOptions, Encryption, ExportOptions, SignalOptions, StandardSchema, StorageFacts,
  TransactionOptions,
} from "../types.js";
import { keyMaterial } from "./with-key.js";

/** How often a transaction is run again unless it is said. */
const RETRIES = 10;

/**
 * An open database, the same on every host: the verbs of its default collection, and what is about all of it.
 *
 * Calls made without waiting in between, in one turn of the event loop, travel together and share one flush; each is
 * still a commit of its own, applied in the order of the calls. Whatever is wrong rejects with a `FerroliteError`.
 *
 * @sync An open database whose verbs return values: those of its default collection, and what is about all of it. Each call is
 * answered before it returns, and one that writes is flushed, as `durability` says; many writes share a commit by `setMany`,
 * `commit` or `transaction`. Whatever is wrong is thrown as a `FerroliteError`.
 */
export class Database extends Collection {
  readonly #caller: Caller;
  readonly #refreshed: Refreshed;
  #storage: StorageFacts;
  /** Those that somebody still has, by name. */
  readonly #collections = new Map<string, WeakRef<Collection>>();
  readonly #gone = new FinalizationRegistry<string>((name) => {
    if (this.#collections.get(name)?.deref() === undefined) this.#collections.delete(name);
  });

  static {
    forwarding(this);
  }

  /** @internal */
  constructor(channel: Channel, storage: StorageFacts, release: () => unknown, refreshed: Refreshed) {
    const caller = new Caller(channel, release);
    super(caller, "", "");
    this.#caller = caller;
    this.#storage = storage;
    this.#refreshed = refreshed;
  }

  /** Where the data is, and how safe it is there, as it was when the database was opened or `storageFacts` was last called. */
  get storage(): StorageFacts {
    return this.#storage;
  }

  /** Looks again where the data is, how safe it is there, and how much room there is. */
  async storageFacts(): Promise<StorageFacts> {
    return (this.#storage = await this.#refreshed(this.#storage));
  }

  /**
   * The collection `name`: the same verbs on keys and indexes of its own. The first write creates it. The same name and the same
   * validator give the same object, as long as somebody has it.
   *
   * ```ts
   * const users = db.collection<User>("users");
   * const checked = db.collection("users", { validate: z.object({ name: z.string(), age: z.number() }) });
   * ```
   */
  collection<D = unknown>(name: string, options?: { readonly validate?: undefined }): Collection<D>;
  collection<I, D>(name: string, options: CollectionOptions<I, D>): Collection<D, I>;
  collection<D>(name: string, options: CollectionOptions<any, D>): Collection<D, any>;
  collection(name: string, options: { readonly validate?: StandardSchema | undefined } = {}): Collection {
    assertCollectionName(name);
    plain("InvalidOptions", "the options of collection", options, ["validate"]);
    const schema = options.validate;
    if (schema !== undefined) assertSchema(schema);
    let base = this.#collections.get(name)?.deref();
    if (base === undefined) {
      base = new Collection(this.#caller, name, prefixOf(name));
      this.#collections.set(name, new WeakRef(base));
      this.#gone.register(base, name);
    }
    if (schema === undefined) return base;
    const checked = base.checked.get(schema) ?? new Collection(this.#caller, name, prefixOf(name), schema, base);
    base.checked.set(schema, checked);
    return checked;
  }

  /** The names of the collections, in order. The default collection has none. */
  async collections(): Promise<string[]> {
    return (await this.#caller.call(`["collections"]`)) as string[];
  }

  /** Drops a collection with its documents and indexes, at once however many there are; whether there was one. */
  async dropCollection(name: string): Promise<boolean> {
    assertCollectionName(name);
    return (await this.#caller.call(`["dropCollection",${JSON.stringify(name)}]`)) as boolean;
  }

  /** Commits a transaction: all of its writes or none. The result is the number of the commit. */
  async commit(transaction: Transaction, options?: SignalOptions): Promise<number> {
    if (!(transaction instanceof Transaction)) {
      throw new FerroliteError("InvalidTransaction", "commit takes a Transaction: new Transaction().set(key, document)");
    }
    const signal = signalOf(options, "commit");
    assertGoesOn(signal, "commit");
    return (await this.#caller.call(`["commit",${transaction.text(this.#caller.channel.attach)}]`, signal)) as number;
  }

  /**
   * Runs `work` as one transaction, and returns what it returns. All that `tx` reads is of one state of the database and
   * of its own writes; these are committed when `work` is done, all at once. When another commit has written what was
   * read, `work` is run again after a while, `retries` times at most; then the `Conflict` is passed on. So `work` should
   * do nothing but read and write by `tx`.
   *
   * What `work` throws ends the transaction without writing anything, and is passed on as it is. So does a signal, with the
   * error `Aborted`, until the commit is under way.
   *
   * ```ts
   * const left = await db.transaction(async (tx) => {
   *   const account = await tx.get<{ cents: number }>("account:1");
   *   if (account === undefined || account.cents < 20) throw new Error("too little");
   *   await tx.set("account:1", { cents: account.cents - 20 });
   *   return account.cents - 20;
   * });
   * ```
   *
   * @sync Runs `work` as one transaction, and returns its result. All reads by `tx` see one state of the database, and the writes of
   * the transaction itself. When `work` returns, all writes are committed at once. If `work` has written by the database what it
   * has read by `tx`, it is run again, at most `retries` times. Then the `Conflict` is thrown. If `work` throws, the transaction
   * writes nothing, and the error is passed on. `work` cannot wait: a promise as its result is `InvalidTransaction`.
   *
   * ```ts
   * const left = db.transaction((tx) => {
   *   const account = tx.get<{ cents: number }>("account:1");
   *   if (account === undefined || account.cents < 20) throw new Error("too little");
   *   tx.set("account:1", { cents: account.cents - 20 });
   *   return account.cents - 20;
   * });
   * ```
   */
  async transaction<R>(work: (tx: ActiveTransaction) => R | PromiseLike<R>, options?: TransactionOptions): Promise<R> {
    if (typeof work !== "function") {
      throw new FerroliteError("InvalidTransaction", "transaction takes a function: async (tx) => { ... }");
    }
    const { signal, rest } = splitSignal(options, "transaction");
    const retries = retriesOption(rest, RETRIES);
    assertGoesOn(signal, "transaction");
    const caller = this.#caller;
    const begin = async () => [(await caller.call(`["txBegin"]`)) as number, caller.channel.epoch] as const;
    const [{ transact }, begun] = await withDeferred(begin(), ([id]) => caller.call(`["txRollback",${id}]`));
    return await transact(caller, begun, begin, work, retries, signal);
  }

  /** The database as it is now, to read from until it is closed, whatever is written in the meantime. */
  async snapshot(): Promise<Snapshot> {
    const begun = this.#caller.call(`["snapshotOpen"]`) as Promise<number>;
    const [{ Snapshot }, id] = await withDeferred(begun, (id) => this.#caller.call(`["snapshotClose",${id}]`));
    return new Snapshot(this.#caller, id, "");
  }

  /** Sizes and counters. */
  async stats(): Promise<Stats> {
    this.#caller.assertOpen();
    return (await this.#caller.channel.request({ kind: "stats" })) as Stats;
  }

  /** Returns once every commit so far is on the disk; for the durabilities that do not wait for that. */
  async flush(options?: SignalOptions): Promise<void> {
    const signal = signalOf(options, "flush");
    assertGoesOn(signal, "flush");
    await this.#caller.call(`["flush"]`, signal);
  }

  /**
   * Rewrites the file without what was deleted and gives the room back to the host, in slices. A signal breaks it off between
   * two of them; what was done stays.
   */
  async compact(options?: SignalOptions): Promise<void> {
    await sliced((text, queued) => this.#caller.call(text, queued), `["compact"`, signalOf(options, "compact"), "compact");
  }

  /**
   * Lets another key or passphrase open an encrypted database from now on, and nothing else. The documents are not
   * touched, and the cipher stays. Copies of the file are opened by what opened them before; and who once had the old key
   * and the file may have kept the data key inside, so after a leak call `rotateKey` too.
   */
  async changeKey(encryption: Encryption): Promise<void> {
    this.#caller.assertOpen();
    const material = await this.#caller.hold(keyMaterial(encryption));
    try {
      await this.#caller.channel.request({ kind: "changeKey", encryption: material });
    } finally {
      wipe(material);
    }
  }

  /**
   * Gives an encrypted database a new random data key and seals everything with it, in slices; the key or passphrase that
   * opens it stays. It costs reading and writing the whole file. One that was cut short, or broken off by a signal, goes on
   * when it is called again.
   */
  async rotateKey(options?: SignalOptions): Promise<void> {
    await sliced((text, queued) => this.#caller.call(text, queued), `["rotateKey"`, signalOf(options, "rotateKey"), "rotateKey");
  }

  /** Verifies the file's structure; with `full`, every page. Damage is what it reports, not an error. */
  async check(options?: CheckOptions): Promise<CheckReport> {
    const { signal, rest } = splitSignal(options, "check");
    assertGoesOn(signal, "check");
    return (await abortable(this.#caller.call(`["check",${checkOptionsText(rest)}]`, signal), signal, "check")) as CheckReport;
  }

  /**
   * The database as the bytes of one file, with every commit up to now and nothing else, whatever is committed while the
   * stream is read. `Ferrolite.import` makes a database of it; so does the file itself, under a name of the host.
   *
   * A chunk is read when it is asked for, and each page is verified: of a damaged database the stream fails with
   * `Corrupt`. Until it was read to its end or cancelled, the room of what it needs is not given back. An encrypted
   * database stays encrypted, for the key that it has now.
   *
   * ```ts
   * await (await db.export()).pipeTo(await handle.createWritable());
   * ```
   *
   * @sync Returns the database as the bytes of one file, in chunks, with exactly the commits up to the call. `Ferrolite.import` makes a
   * database of the bytes. Each chunk is read on demand, and each page is verified: a damaged database throws `Corrupt`. The
   * space that the export needs is reserved until the last chunk was read, or until `return()`. An encrypted database stays
   * encrypted, with its current key.
   */
  async export(options: ExportOptions = {}): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    assertExportOptions(options);
    const begun = this.#caller.call(`["exportBegin"]`) as Promise<{ number: number; bytes: number }>;
    const end = (id: number) => this.#caller.call(`["exportEnd",${id}]`);
    const [{ exportStream }, { number, bytes }] = await withDeferred(begun, (exporting) => end(exporting.number));
    const next = async () => {
      this.#caller.assertOpen();
      return (await this.#caller.channel.request({ kind: "exportChunk", number })) as Uint8Array<ArrayBuffer> | undefined;
    };
    const stream = exportStream({ bytes, next, end: () => end(number) }, options);
    assertGoesOn(options.signal, "export");
    return stream;
  }

  /** Answers the calls made so far, puts everything on the disk and closes the file. Calls after it are `Closed`. */
  close(): Promise<void> {
    return this.#caller.close();
  }

  /** `await using db = await Ferrolite.open(...)` closes it at the end of the block. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}
