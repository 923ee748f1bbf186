import { type Attach, putText } from "../streams/bytes.js";
import { isBytes } from "../arguments/realms.js";
import type { Caller } from "../protocol/caller.js";
import {
  assertWatchQueryOptions, documentText, endText, indexText as placeText, integerText, keyText, operationsText, patchText, perhapsText, rangeText, setOptions, ttlMs,
  ttlOption,
} from "../arguments/check.js";
import { FerroliteError } from "../error.js";
import { withDeferred } from "./load-deferred.js";
import { list } from "../arguments/lists.js";
import { type NamedCollection, prefixed } from "../arguments/names.js";
import { type Explanation, type IndexOptions, indexText, type Query, queryText } from "./query.js";
import { Reader } from "./reader.js";
import { forwarding } from "../arguments/receivers.js";
import { scan } from "./scan.js";
import { abortable, assertGoesOn, signalOf, splitSignal } from "../arguments/signals.js";
import { sliced } from "../protocol/sliced.js";
import { allValidated, validated } from "./schema.js";
import type {
  ByteSource, Change, End, IndexInfo, PatchOperation, Range, RowChanges, SetOptions, SignalOptions, StandardSchema,
  TtlOptions, WatchOptions, WatchQueryOptions, WatchSelector,
} from "../types.js";
import { quietly } from "../protocol/waiting.js";
import type { WatchCaller } from "./watch-feed.js";
import { Watch, watchingKeys } from "./watch.js";

/**
 * Documents by key, with keys and indexes of their own. It is there from the first write on; before, and after it was
 * dropped, it has no documents.
 *
 * `D` is the type of its documents, `I` that of what a validator takes to make them. Types are promises of yours, and
 * nothing checks them, unless the collection has a validator: then what is written is checked by it, and stored as it
 * gives it back. `increment`, `rename`, and what others write without it are not.
 */
export class Collection<D = unknown, I = D> extends Reader<D> implements NamedCollection<D, I> {
  /** Its name; that of the default collection is empty. */
  readonly name: string;
  /** The validator that it was made with. */
  readonly schema: StandardSchema | undefined;
  /** Never there: what tells the types to the compiler. */
  declare readonly types?: { readonly output: D; readonly input: I };
  /** @internal The same collection without a validator: what is read does not depend on one. */
  readonly base: Collection<any, any>;
  /** @internal Of the one without a validator: those with one, by their validators. */
  readonly checked = new WeakMap<StandardSchema, Collection<any, any>>();
  readonly #caller: Caller;
  readonly #prefix: string;

  static {
    forwarding(this);
  }

  /** @internal */
  constructor(caller: Caller, name: string, prefix: string, schema?: StandardSchema, base?: Collection<any, any>) {
    super((call, signal) => caller.call(prefixed(prefix, call), signal));
    this.name = name;
    this.schema = schema;
    this.base = base ?? this;
    this.#caller = caller;
    this.#prefix = prefix;
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
   * With `ifVersion` or `ifAbsent` it is stored only if that holds; else it is a `Conflict`. A time to live that the key
   * had is cleared, unless `ttl` sets one or `keepTtl` keeps it.
   */
  async set(key: string, document: I, options?: SetOptions): Promise<number> {
    const { ttl, conditional } = setOptions(options);
    const valid = validated(this.schema, document, key);
    const { value: ready } = "then" in valid ? await valid : valid;
    if (isBytes(ready)) {
      const bytes = `${keyText(key)},${this.#attach(ready)}`;
      return (await this.#call(`["setBytes",${bytes},${conditional ?? JSON.stringify({ ttl })}]`)) as number;
    }
    const pair = `${keyText(key)},${documentText(ready, key)}`;
    if (conditional !== undefined) return (await this.#call(`["setWith",${pair},${conditional}]`)) as number;
    return (await this.#call(ttl === undefined ? `["set",${pair}]` : `["setEx",${pair},${ttl}]`)) as number;
  }

  /** Stores a document that expires after so many seconds. */
  async setEx(key: string, document: I, seconds: number): Promise<number> {
    const ttl = ttlMs(seconds);
    const valid = validated(this.schema, document, key);
    const { value: ready } = "then" in valid ? await valid : valid;
    return (await this.#call(putText(key, ready, ttl, this.#attach))) as number;
  }

  /** Stores many documents in one commit: an iterable of `[key, document]` pairs, such as a `Map`. */
  async setMany(entries: Iterable<readonly [key: string, document: I]>, options?: TtlOptions & SignalOptions): Promise<number> {
    const { signal, rest } = splitSignal(options, "setMany");
    assertGoesOn(signal, "setMany");
    const ttl = ttlOption(rest);
    const documents: unknown[] = [];
    const keys: string[] = [];
    const texts = list(entries, "InvalidValue", (entry) => {
      if (!Array.isArray(entry) || entry.length !== 2) {
        throw new FerroliteError("InvalidValue", "setMany takes an iterable of [key, document] pairs");
      }
      const text = keyText(entry[0]);
      keys.push(entry[0] as string);
      documents.push(entry[1]);
      return text;
    });
    const valid = allValidated(this.schema, documents, keys);
    const ready = "then" in valid ? await valid : valid;
    if (ready.some(({ value }) => isBytes(value))) {
      const puts = keys.map((key, index) => this.#own(putText(key, ready[index]?.value, ttl, this.#attach)));
      return (await this.#caller.call(`["commit",[${puts.join(",")}]]`, signal)) as number;
    }
    const pairs = keys.map((key, index) => `[${texts[index]},${documentText(ready[index]?.value, key)}]`).join(",");
    return (await this.#call(`["setMany",[${pairs}]${ttl === undefined ? "" : `,${ttl}`}]`, signal)) as number;
  }

  /**
   * Stores the bytes of a source, a piece at a time and as many as there is room for; the result is the document's version.
   * What was at the key stays until the last piece has come; when the source fails it stays for good. A time to live counts
   * from the beginning. A signal breaks it off with the error `Aborted`, as if the source had failed.
   *
   * @sync Stores the bytes of an iterable in pieces, and returns the version of the document. The total length has no limit but
   * the free space. The previous document at the key stays until the last piece has been stored. If the iterable throws, the
   * previous document stays for good. A time to live counts from the beginning.
   */
  async setStream(key: string, source: ByteSource, options?: TtlOptions & SignalOptions): Promise<number> {
    const { signal, rest } = splitSignal(options, "setStream");
    const ttl = ttlOption(rest);
    const begin = `["blobBegin",${keyText(key)}${ttl === undefined ? "" : `,${ttl}`}]`;
    const caller = { call: (text: string) => this.#call(text), attach: this.#attach };
    assertGoesOn(signal, "setStream");
    const begun = this.#call(begin) as Promise<number>;
    const [{ storeStream }, id] = await withDeferred(begun, (id) => this.#call(`["blobAbort",${id}]`));
    return await storeStream(caller, id, source, signal);
  }

  /**
   * The bytes at `key` as a stream, or `undefined`. They are read as the stream is, about a megabyte at a time, and are those
   * of the moment of the call; what it holds is let go at its end, by `cancel()`, or by a signal, with the error `Aborted`.
   *
   * @sync Returns the bytes at `key` in pieces, or `undefined` if no document exists. The pieces have about a megabyte, are read
   * on demand, and have the content at the time of the call. The iterator releases its resources at the end of the bytes, or by
   * `return()`. A loop that ends early calls `return()` automatically.
   */
  async getStream(key: string, options?: SignalOptions): Promise<ReadableStream<Uint8Array> | undefined> {
    const signal = signalOf(options, "getStream");
    assertGoesOn(signal, "getStream");
    const begun = this.#call(`["blobOpen",${keyText(key)}]`) as Promise<number | undefined>;
    const close = (id: number | undefined) => quietly(() => this.#call(`["blobClose",${id}]`));
    const [{ blobStream }, id] = await withDeferred(begun, close);
    if (id === undefined) return undefined;
    const read = async () => (await this.#call(`["blobRead",${id}]`)) as Uint8Array | undefined;
    return blobStream(read, () => close(id), signal);
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
  async compareAndSwap(key: string, expected: unknown, next: I | undefined): Promise<boolean> {
    const valid = next === undefined ? { value: next } : validated(this.schema, next, key);
    const { value } = "then" in valid ? await valid : valid;
    const pair = `${perhapsText(expected, key)},[${next === undefined ? "" : documentText(value, key)}]`;
    return (await this.#call(`["compareAndSwap",${keyText(key)},${pair}]`)) as boolean;
  }

  /** Stores a document, and returns the one that was there, or `undefined`. */
  async getAndSet<T = D>(key: string, document: I): Promise<T | undefined> {
    const valid = validated(this.schema, document, key);
    const { value } = "then" in valid ? await valid : valid;
    return (await this.#call(`["getAndSet",${keyText(key)},${documentText(value, key)}]`)) as T | undefined;
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
    return (await this.#call(`["listRange",${keyText(key)},${placeText(start)},${placeText(stop)}]`)) as T[];
  }

  /** How many elements a list has; 0 where there is none. */
  async length(key: string): Promise<number> {
    return (await this.#call(`["listLength",${keyText(key)}]`)) as number;
  }

  /** Removes what is not between `start` and `stop`, both included, from a list; how many elements are left. */
  async trim(key: string, start: number, stop: number): Promise<number> {
    return (await this.#call(`["trim",${keyText(key)},${placeText(start)},${placeText(stop)}]`)) as number;
  }

  /** Writes over the element at `index` of a list; whether there is one. Negative indexes count from the end. */
  async setElement(key: string, index: number, element: unknown): Promise<boolean> {
    const place = `${keyText(key)},${placeText(index)}`;
    return (await this.#call(`["listSet",${place},${documentText(element, key)}]`)) as boolean;
  }

  /** Moves a document, with its time to live, over one that may be at `to`; whether there is one at `from`. */
  async rename(from: string, to: string): Promise<boolean> {
    return (await this.#call(`["rename",${keyText(from)},${keyText(to)}]`)) as boolean;
  }

  /**
   * Changes a document by a JSON Patch (RFC 6902): all of its operations, or none; whether there is a document. An
   * operation that cannot be done, or a test that fails, is a `Conflict`. A patch whose copies grow without end is `TooLarge`.
   * Numbers are compared exactly, whatever their length. A time to live stays.
   */
  async patch(key: string, operations: readonly PatchOperation[]): Promise<boolean> {
    const text = operationsText(operations);
    if (this.schema !== undefined) return this.#change("patched", key, text);
    return (await this.#call(`["patch",${keyText(key)},${text}]`)) as boolean;
  }

  /**
   * Changes a document by a JSON Merge Patch (RFC 7396); whether there is a document. Properties of the patch take the
   * place of those in the document, and those that are null go. A time to live stays.
   */
  async mergePatch(key: string, patch: unknown): Promise<boolean> {
    const text = patchText(patch);
    if (this.schema !== undefined) return this.#change("mergePatched", key, text);
    return (await this.#call(`["mergePatch",${keyText(key)},${text}]`)) as boolean;
  }

  /** Deletes the document at `key`; whether there was one. */
  async delete(key: string): Promise<boolean> {
    return (await this.#call(`["delete",${keyText(key)}]`)) as boolean;
  }

  /** Deletes all documents in a range, in one commit; how many there were. `{}` is all of them. */
  async deleteRange(range: Range, options?: SignalOptions): Promise<number> {
    const signal = signalOf(options, "deleteRange");
    assertGoesOn(signal, "deleteRange");
    if (range === undefined) throw new FerroliteError("InvalidRange", "deleteRange takes a range; {} is all documents");
    return (await this.#call(`["deleteRange",${rangeText(range)}]`, signal)) as number;
  }

  /**
   * Goes through a range as it was when the scan began, a page at a time. Breaking off the loop releases what the scan
   * holds; an iterator that is driven by hand has to be given `return()`. A signal breaks it off with the error `Aborted`,
   * also while a page is waited for.
   */
  async *scan<T = D>(range?: Range, options?: SignalOptions): AsyncGenerator<[key: string, document: T], void, undefined> {
    yield* scan<T>(this.#caller, this.#own(`["scanOpen",${rangeText(range)}]`), signalOf(options, "scan"));
  }

  /**
   * Indexes the documents by what lies at a path, as `role` or `address.city`; whether the index is new. Documents
   * that are there already are indexed in slices, between which other calls are answered. Several paths make one index
   * on all of them, which has the order of the first, then of the second, and so on. A signal breaks the building off, and
   * nothing is left of the index.
   */
  async createIndex(path: string | readonly string[], options?: IndexOptions & SignalOptions): Promise<boolean> {
    const { signal, rest } = splitSignal(options, "createIndex");
    const begin = this.#own(`["createIndex",${indexText(path, rest)}`);
    return (await sliced((text, queued) => this.#caller.call(text, queued), begin, signal, "createIndex")) as boolean;
  }

  /** Drops the index on a path or several; whether there was one. */
  async dropIndex(path: string | readonly string[]): Promise<boolean> {
    return (await this.#call(`["dropIndex",${indexText(path)}]`)) as boolean;
  }

  /** Runs a query, and tells how it was answered and what was read. */
  async explain<T = D>(query: Query<T>, options?: SignalOptions): Promise<Explanation> {
    const signal = signalOf(options, "explain");
    assertGoesOn(signal, "explain");
    return (await abortable(this.#call(`["explain",${queryText(query)}]`, signal), signal, "explain")) as Explanation;
  }

  /** The indexes. */
  async indexes(): Promise<IndexInfo[]> {
    return (await this.#call(`["indexes"]`)) as IndexInfo[];
  }

  /**
   * Tells every change of a key, of keys with a prefix, or in a range, that is committed from now on: once, and in the order
   * of the commits. What expires is told when reads do not see it any more. To be gone through by `for await`, or given a
   * callback by `subscribe`.
   *
   * Changes that nobody has taken yet are kept up to `watchBuffer` bytes; beyond that, and beyond `changeHistory`, the watch
   * ends with `ChangesLost`: read the documents again. To go on where one has ended, remember the `version` of a change once
   * those of the next commit come, and give it as `since`. What has expired in between is not told then: whoever keeps
   * documents keeps `expiresAt` with them.
   *
   * @sync Watches the changes of a key, of keys with a prefix, or in a range, as the method of `Ferrolite` does. Use `for await`, or
   * give a callback to `subscribe`. Changes are delivered once the current turn of the event loop has ended.
   */
  watch<T = D>(selector?: WatchSelector, options?: WatchOptions): Watch<Change<T>> {
    return new Watch<Change<T>>(this.#watchCaller, watchingKeys(selector, options), options?.signal);
  }

  /**
   * Tells what a query finds, and from then on which rows have come, were written, and have gone; where there is a `limit`,
   * also those that others have made room for. What changes several times before it is taken is told once. A query that is
   * watched begins with its first row: it has no `offset` and no `after`.
   *
   * ```ts
   * for await (const { added, changed, removed } of db.watchQuery({ where: { done: false }, orderBy: "due", limit: 20 })) {
   *   for (const { key, value } of [...added, ...changed]) show(key, value);
   *   for (const key of removed) hide(key);
   * }
   * ```
   *
   * @sync Watches the result of a query, as the method of `Ferrolite` does. Use `for await`, or give a callback to `subscribe`. Changes
   * are delivered once the current turn of the event loop has ended.
   */
  watchQuery<T = D>(query: Query<T>, options?: WatchQueryOptions): Watch<RowChanges<T>> {
    const open = () => {
      assertWatchQueryOptions(options);
      return `["watchQuery",${queryText(query)}]`;
    };
    return new Watch<RowChanges<T>>(this.#watchCaller, { open, of: "rows" }, options?.signal);
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

  #own(call: string): string {
    return prefixed(this.#prefix, call);
  }

  #call(call: string, signal?: AbortSignal): Promise<unknown> {
    return this.#caller.call(this.#own(call), signal);
  }

  /** Validates what a patch makes of a document, before it is stored. */
  async #change(verb: "patched" | "mergePatched", key: string, patch: string): Promise<boolean> {
    const patched = () => this.#call(`["${verb}",${keyText(key)},${patch}]`);
    const [{ change }, row] = await withDeferred(patched(), () => {});
    return change(this, key, patched, row);
  }

  get #watchCaller(): WatchCaller {
    return { call: (text) => this.#call(text), channel: this.#caller.channel };
  }

  /** Bytes for the call that is made next, in the same turn. */
  get #attach(): Attach {
    return this.#caller.channel.attach;
  }
}
