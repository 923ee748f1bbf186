/// <reference lib="esnext.disposable" preserve="true" />
import { ActiveTransaction } from "./active-transaction.js";
import { type ByteSource, isBytes, piecesOf, putText } from "./bytes.js";
import {
  checkOptionsText, conditionText, documentText, endText, findOptionsText, indexText, integerText, keyText, operationsText,
  patchText, pathText, perhapsText, rangeText, retriesOption, setOptions, ttlMs, ttlOption,
} from "./check.js";
import type { Channel } from "./channel.js";
import { keyMaterial, wipe } from "./encryption.js";
import { FerroliteError } from "./error.js";
import { keyList, list } from "./lists.js";
import { ERROR } from "./protocol.js";
import type { CheckReport, Stats } from "./reports.js";
import { Transaction } from "./transaction.js";
import type {
  CheckOptions, Condition, Encryption, End, FindOptions, IndexInfo, PatchOperation, Range, SetOptions, StorageFacts,
  TransactionOptions, TtlOptions,
} from "./types.js";

/** Its own symbol where the host has it; else one under which only `await using` compilers look. */
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/** How often a transaction is run again unless it is said. */
const RETRIES = 10;
/** Beyond so many conflicts in a row the time before the next attempt grows no more. */
const DOUBLINGS_MAX = 6;
const PAUSE_MS_MAX = 1000;

/** One page of a scan. */
interface Page {
  readonly rows: [string, unknown][];
  /** What the next page is asked for with; there is none when it is left out. */
  readonly cursor?: number;
}

/**
 * The verbs of an open database, the same on every host.
 *
 * Calls made without waiting in between, in one turn of the event loop, travel together and share one flush; each is
 * still a commit of its own, applied in the order of the calls. Whatever is wrong rejects with a `FerroliteError`.
 */
export class Database {
  /** Where the data is, and how safe it is there. */
  readonly storage: StorageFacts;
  readonly #channel: Channel;
  readonly #release: () => void;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(channel: Channel, storage: StorageFacts, release: () => void) {
    this.#channel = channel;
    this.storage = storage;
    this.#release = release;
  }

  /** The document at `key`, or `undefined`. */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.#call(`["get",${keyText(key)}]`)) as T | undefined;
  }

  /** The documents at `keys`, in their order, with `undefined` for those that are not there. */
  async getMany<T = unknown>(keys: Iterable<string>): Promise<(T | undefined)[]> {
    const rows = await this.#call(`["getMany",[${keyList(keys)}]]`);
    return (rows as [T?][]).map(([document]) => document);
  }

  /**
   * Stores a document, replacing the one that was there; the result is its version, the number of the commit.
   *
   * A document is what JSON can carry: objects, arrays, strings, finite numbers, booleans and null, nested to 127
   * levels and 64 MiB of text at most. As in JSON, object properties that are `undefined` are left out and `toJSON`
   * is honoured, so a `Date` becomes its ISO string. Anything else is `InvalidValue` and stores nothing.
   *
   * Or it is bytes, a `Uint8Array`, which is what comes back, then; indexes and verbs that change JSON know nothing of them.
   *
   * With `ifVersion` or `ifAbsent` it is stored only if that holds; else it is a `Conflict`.
   */
  async set(key: string, document: unknown, options?: SetOptions): Promise<number> {
    const { ttl, conditional } = setOptions(options);
    if (isBytes(document)) {
      const bytes = `${keyText(key)},${this.#channel.attach(document)}`;
      return (await this.#call(`["setBytes",${bytes},${conditional ?? JSON.stringify({ ttl })}]`)) as number;
    }
    const pair = `${keyText(key)},${documentText(document, key)}`;
    if (conditional !== undefined) return (await this.#call(`["setWith",${pair},${conditional}]`)) as number;
    return (await this.#call(ttl === undefined ? `["set",${pair}]` : `["setEx",${pair},${ttl}]`)) as number;
  }

  /** Stores a document that expires after so many seconds. */
  async setEx(key: string, document: unknown, seconds: number): Promise<number> {
    return (await this.#call(putText(key, document, ttlMs(seconds), this.#channel.attach))) as number;
  }

  /** Stores many documents in one commit: an iterable of `[key, document]` pairs, such as a `Map`. */
  async setMany(entries: Iterable<readonly [key: string, document: unknown]>, options?: TtlOptions): Promise<number> {
    const ttl = ttlOption(options);
    const members: (readonly [string, unknown])[] = [];
    const pairs = list(entries, "InvalidValue", (entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw new FerroliteError("InvalidValue", "setMany takes an iterable of [key, document] pairs");
      }
      members.push(entry as [string, unknown]);
      return isBytes(entry[1]) ? "" : `[${keyText(entry[0])},${documentText(entry[1], entry[0])}]`;
    });
    if (members.some(([, document]) => isBytes(document))) {
      const puts = members.map(([key, document]) => putText(key, document, ttl, this.#channel.attach));
      return (await this.#call(`["commit",[${puts.join(",")}]]`)) as number;
    }
    return (await this.#call(`["setMany",[${pairs}]${ttl === undefined ? "" : `,${ttl}`}]`)) as number;
  }

  /**
   * Stores the bytes of a source, a piece at a time and as many as there is room for; the result is the document's version.
   * What was at the key stays until the last piece has come; when the source fails it stays for good. A time to live counts
   * from the beginning.
   */
  async setStream(key: string, source: ByteSource, options?: TtlOptions): Promise<number> {
    const ttl = ttlOption(options);
    const begin = `["blobBegin",${keyText(key)}${ttl === undefined ? "" : `,${ttl}`}]`;
    const pieces = piecesOf(source);
    const id = (await this.#call(begin)) as number;
    try {
      for await (const piece of pieces) await this.#call(`["blobWrite",${id},${this.#channel.attach(piece)}]`);
      return (await this.#call(`["blobFinish",${id}]`)) as number;
    } catch (thrown) {
      // A database that is being closed has given it up itself.
      await this.#call(`["blobAbort",${id}]`).catch(() => {});
      throw thrown;
    }
  }

  /**
   * The bytes at `key` as a stream, or `undefined`. They are read as the stream is, about a megabyte at a time, and are those
   * of the moment of the call; what it holds is let go at its end or by `cancel()`.
   */
  async getStream(key: string): Promise<ReadableStream<Uint8Array> | undefined> {
    const id = (await this.#call(`["blobOpen",${keyText(key)}]`)) as number | undefined;
    if (id === undefined) return undefined;
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const piece = (await this.#call(`["blobRead",${id}]`)) as Uint8Array | undefined;
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
      cancel: async () => {
        if (this.#closing === undefined) await this.#call(`["blobClose",${id}]`);
      },
    });
  }

  /**
   * Adds `by` to the integer at `key`, and returns the sum: a number when it is a safe integer, else a bigint. Where there
   * is no document it counts from 0. Exact over 64 bits; beyond, and on a document that is no integer, it is
   * `InvalidValue`. A time to live stays.
   */
  async increment(key: string, by: number | bigint = 1): Promise<number | bigint> {
    const sum = BigInt((await this.#call(`["increment",${keyText(key)},${integerText(by)}]`)) as string);
    return Number.isSafeInteger(Number(sum)) ? Number(sum) : sum;
  }

  /**
   * Stores `next` if the document is `expected`, and returns whether it was; `undefined` stands for no document in both.
   * Values are compared: 1 is 1.0, and the order of properties does not matter. A time to live stays.
   */
  async compareAndSwap(key: string, expected: unknown, next: unknown): Promise<boolean> {
    const pair = `${perhapsText(expected, key)},${perhapsText(next, key)}`;
    return (await this.#call(`["compareAndSwap",${keyText(key)},${pair}]`)) as boolean;
  }

  /** Stores a document, and returns the one that was there, or `undefined`. */
  async getAndSet<T = unknown>(key: string, document: unknown): Promise<T | undefined> {
    return (await this.#call(`["getAndSet",${keyText(key)},${documentText(document, key)}]`)) as T | undefined;
  }

  /**
   * Adds elements at an end of the list at `key`, one after the other, and returns its length. A list is a document that is
   * an array; where there is none it begins. Both ends cost the same however long the list is. A time to live stays.
   */
  async push(key: string, end: End, ...elements: readonly unknown[]): Promise<number> {
    const texts = elements.map((element) => documentText(element, key));
    return (await this.#call(`["push",${keyText(key)},${endText(end)},[${texts.join(",")}]]`)) as number;
  }

  /** Takes the element at an end of a list; `undefined` where there is none. A list that becomes empty is deleted. */
  async pop<T = unknown>(key: string, end: End): Promise<T | undefined> {
    return (await this.#call(`["pop",${keyText(key)},${endText(end)}]`)) as T | undefined;
  }

  /** The elements of a list from `start` to `stop`, both included; negative indexes count from the end, -1 is the last. */
  async range<T = unknown>(key: string, start: number, stop: number): Promise<T[]> {
    return (await this.#call(`["listRange",${keyText(key)},${indexText(start)},${indexText(stop)}]`)) as T[];
  }

  /** How many elements a list has; 0 where there is none. */
  async length(key: string): Promise<number> {
    return (await this.#call(`["listLength",${keyText(key)}]`)) as number;
  }

  /** Removes what is not between `start` and `stop`, both included, from a list; how many elements are left. */
  async trim(key: string, start: number, stop: number): Promise<number> {
    return (await this.#call(`["trim",${keyText(key)},${indexText(start)},${indexText(stop)}]`)) as number;
  }

  /** Writes over the element at `index` of a list; whether there is one. Negative indexes count from the end. */
  async setElement(key: string, index: number, element: unknown): Promise<boolean> {
    const place = `${keyText(key)},${indexText(index)}`;
    return (await this.#call(`["listSet",${place},${documentText(element, key)}]`)) as boolean;
  }

  /** Moves a document, with its time to live, over one that may be at `to`; whether there is one at `from`. */
  async rename(from: string, to: string): Promise<boolean> {
    return (await this.#call(`["rename",${keyText(from)},${keyText(to)}]`)) as boolean;
  }

  /**
   * Changes a document by a JSON Patch (RFC 6902): all of its operations, or none; whether there is a document. An
   * operation that cannot be done, or a test that fails, is a `Conflict`. A time to live stays.
   */
  async patch(key: string, operations: readonly PatchOperation[]): Promise<boolean> {
    return (await this.#call(`["patch",${keyText(key)},${operationsText(operations)}]`)) as boolean;
  }

  /**
   * Changes a document by a JSON Merge Patch (RFC 7396); whether there is a document. Properties of the patch take the
   * place of those in the document, and those that are null go. A time to live stays.
   */
  async mergePatch(key: string, patch: unknown): Promise<boolean> {
    return (await this.#call(`["mergePatch",${keyText(key)},${patchText(patch)}]`)) as boolean;
  }

  /** Deletes the document at `key`; whether there was one. */
  async delete(key: string): Promise<boolean> {
    return (await this.#call(`["delete",${keyText(key)}]`)) as boolean;
  }

  /** Deletes all documents in a range, in one commit; how many there were. `{}` is all of them. */
  async deleteRange(range: Range): Promise<number> {
    if (range === undefined) throw new FerroliteError("InvalidRange", "deleteRange takes a range; {} is all documents");
    return (await this.#call(`["deleteRange",${rangeText(range)}]`)) as number;
  }

  /** Whether there is a document at `key`. */
  async has(key: string): Promise<boolean> {
    return (await this.#call(`["has",${keyText(key)}]`)) as boolean;
  }

  /** How many documents there are in a range; without one, in all. */
  async count(range?: Range): Promise<number> {
    return (await this.#call(`["count",${rangeText(range)}]`)) as number;
  }

  /** The keys in a range, in order. */
  async keys(range?: Range): Promise<string[]> {
    return (await this.#call(`["keys",${rangeText(range)}]`)) as string[];
  }

  /** The documents in a range, in the order of their keys. For more than fits in memory there is `scan`. */
  async values<T = unknown>(range?: Range): Promise<T[]> {
    return (await this.#call(`["values",${rangeText(range)}]`)) as T[];
  }

  /** The keys and documents in a range, in order. For more than fits in memory there is `scan`. */
  async entries<T = unknown>(range?: Range): Promise<[key: string, document: T][]> {
    return (await this.#call(`["entries",${rangeText(range)}]`)) as [string, T][];
  }

  /**
   * Goes through a range as it was when the scan began, a page at a time. Breaking off the loop releases what the scan
   * holds; an iterator that is driven by hand has to be given `return()`.
   */
  async *scan<T = unknown>(range?: Range): AsyncGenerator<[key: string, document: T], void, undefined> {
    let page = (await this.#call(`["scanOpen",${rangeText(range)}]`)) as Page;
    try {
      for (;;) {
        yield* page.rows as [string, T][];
        if (page.cursor === undefined) return;
        page = (await this.#call(`["scanNext",${page.cursor}]`)) as Page;
      }
    } finally {
      // A database that is being closed has let go of it already.
      if (page.cursor !== undefined && this.#closing === undefined) await this.#call(`["scanClose",${page.cursor}]`);
    }
  }

  /**
   * Indexes the documents by what lies at a path, as `role` or `address.city`; whether the index is new. Documents
   * that are there already are indexed in slices, between which other calls are answered.
   */
  async createIndex(path: string): Promise<boolean> {
    return (await this.#call(`["createIndex",${pathText(path)}]`)) as boolean;
  }

  /** Drops an index; whether there was one. */
  async dropIndex(path: string): Promise<boolean> {
    return (await this.#call(`["dropIndex",${pathText(path)}]`)) as boolean;
  }

  /** The indexes. */
  async indexes(): Promise<IndexInfo[]> {
    return (await this.#call(`["indexes"]`)) as IndexInfo[];
  }

  /**
   * The keys of the documents whose value at `path` equals a value, or lies within bounds: in the order of their keys
   * for a value, of the values for bounds. Without an index on the path it looks at every document.
   */
  async find(path: string, condition: Condition, options?: FindOptions): Promise<string[]> {
    const text = `["find",${pathText(path)},${conditionText(condition)},${findOptionsText(options)}]`;
    return (await this.#call(text)) as string[];
  }

  /** Commits a transaction: all of its writes or none. The result is the number of the commit. */
  async commit(transaction: Transaction): Promise<number> {
    if (!(transaction instanceof Transaction)) {
      throw new FerroliteError("InvalidTransaction", "commit takes a Transaction: new Transaction().set(key, document)");
    }
    return (await this.#call(`["commit",${transaction.text(this.#channel.attach)}]`)) as number;
  }

  /**
   * Runs `work` as one transaction, and returns what it returns. All that `tx` reads is of one state of the database and
   * of its own writes; these are committed when `work` is done, all at once. When another commit has written what was
   * read, `work` is run again after a while, `retries` times at most; then the `Conflict` is passed on. So `work` should
   * do nothing but read and write by `tx`.
   *
   * What `work` throws ends the transaction without writing anything, and is passed on as it is.
   *
   * ```ts
   * const left = await db.transaction(async (tx) => {
   *   const account = await tx.get<{ cents: number }>("account:1");
   *   if (account === undefined || account.cents < 20) throw new Error("too little");
   *   await tx.set("account:1", { cents: account.cents - 20 });
   *   return account.cents - 20;
   * });
   * ```
   */
  async transaction<R>(work: (tx: ActiveTransaction) => R | PromiseLike<R>, options?: TransactionOptions): Promise<R> {
    if (typeof work !== "function") {
      throw new FerroliteError("InvalidTransaction", "transaction takes a function: async (tx) => { ... }");
    }
    const retries = retriesOption(options, RETRIES);
    for (let attempt = 0; ; attempt++) {
      const startMs = performance.now();
      const tx = new ActiveTransaction(
        (await this.#call(`["txBegin"]`)) as number,
        (text) => this.#call(text),
        this.#channel.attach,
      );
      let result: R;
      try {
        result = await work(tx);
      } catch (thrown) {
        // A database that is being closed ends it itself.
        await tx.rollBack().catch(() => {});
        throw thrown;
      }
      try {
        await tx.commit();
        return result;
      } catch (thrown) {
        if (attempt >= retries || !isOutdated(thrown)) throw thrown;
      }
      await pause(attempt, performance.now() - startMs);
    }
  }

  /** Seconds until the document expires; `null` when it never does, `undefined` when it is not there. */
  async ttl(key: string): Promise<number | null | undefined> {
    const milliseconds = (await this.#call(`["ttl",${keyText(key)}]`)) as number | null | undefined;
    return typeof milliseconds === "number" ? milliseconds / 1000 : milliseconds;
  }

  /** Lets a document expire after so many seconds from now; whether there is one. */
  async expire(key: string, seconds: number): Promise<boolean> {
    return (await this.#call(`["expire",${keyText(key)},${ttlMs(seconds)}]`)) as boolean;
  }

  /** Takes a document's expiry away; whether it had one. */
  async persist(key: string): Promise<boolean> {
    return (await this.#call(`["persist",${keyText(key)}]`)) as boolean;
  }

  /** Sizes and counters. */
  async stats(): Promise<Stats> {
    this.#assertOpen();
    return (await this.#channel.request({ kind: "stats" })) as Stats;
  }

  /** Returns once every commit so far is on the disk; for the durabilities that do not wait for that. */
  async flush(): Promise<void> {
    await this.#call(`["flush"]`);
  }

  /** Rewrites the file without what was deleted and gives the room back to the host, in slices. */
  async compact(): Promise<void> {
    await this.#call(`["compact"]`);
  }

  /**
   * Lets another key or passphrase open an encrypted database from now on, and nothing else. The documents are not
   * touched, and the cipher stays. Copies of the file are opened by what opened them before; and who once had the old key
   * and the file may have kept the data key inside, so after a leak call `rotateKey` too.
   */
  async changeKey(encryption: Encryption): Promise<void> {
    this.#assertOpen();
    const material = keyMaterial(encryption);
    try {
      await this.#channel.request({ kind: "changeKey", encryption: material });
    } finally {
      wipe(material);
    }
  }

  /**
   * Gives an encrypted database a new random data key and seals everything with it, in slices; the key or passphrase that
   * opens it stays. It costs reading and writing the whole file. One that was cut short goes on when it is called again.
   */
  async rotateKey(): Promise<void> {
    await this.#call(`["rotateKey"]`);
  }

  /** Verifies the file's structure; with `full`, every page. Damage is what it reports, not an error. */
  async check(options?: CheckOptions): Promise<CheckReport> {
    return (await this.#call(`["check",${checkOptionsText(options)}]`)) as CheckReport;
  }

  /** Answers the calls made so far, puts everything on the disk and closes the file. Calls after it are `Closed`. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** `await using db = await Ferrolite.open(...)` closes it at the end of the block. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.#channel.request({ kind: "close" });
    } finally {
      this.#release();
      this.#channel.fail(closed());
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closed();
  }

  /** Sends one call. It throws when it resumes, so that the error's stack leads to who made the call. */
  async #call(text: string): Promise<unknown> {
    this.#assertOpen();
    let result;
    try {
      result = await this.#channel.call(text);
    } catch (thrown) {
      const error = FerroliteError.from(thrown, "Internal");
      throw new FerroliteError(error.code, error.message, { cause: error.cause });
    }
    if (result[0] === ERROR) throw FerroliteError.from(result[1], "Internal");
    return result[1];
  }
}

function closed(): FerroliteError {
  return new FerroliteError("Closed", "the database was closed; open it again with Ferrolite.open");
}

/** Whether a commit was refused because of others: it may succeed when it is repeated. */
function isOutdated(thrown: unknown): boolean {
  return thrown instanceof FerroliteError && (thrown.code === "Conflict" || thrown.code === "SnapshotTooOld");
}

/**
 * Waits before the next attempt: by chance, so that those who met do not meet again, and the longer the more often they
 * have. The unit is the time that an attempt takes.
 */
function pause(attempt: number, tookMs: number): Promise<void> {
  const longestMs = Math.min(Math.max(tookMs, 1) * 2 ** Math.min(attempt, DOUBLINGS_MAX), PAUSE_MS_MAX);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
}
