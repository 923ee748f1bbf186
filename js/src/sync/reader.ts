// Made of js/src/reader.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
import { conditionText, findOptionsText, keyText, pathText, rangeText } from "../check.js";
import { keyList } from "../lists.js";
import {
  type FindPage, isQuery, type PathOf, type Query, type QueryPage, queryText, type Selected, type SelectQuery,
} from "../query.js";
import { findable, forwarding } from "../receivers.js";
import { abortable, assertGoesOn, signalOf, splitSignal } from "./signals.js";
import type { Condition, FindOptions, Range, Row, SignalOptions, VersionedDocument } from "../types.js";

/** The verbs that read, the same for a collection, for a snapshot of one and within a transaction. */
export class SyncReader<D = unknown> {
  readonly #read: (call: string, signal?: AbortSignal) => unknown;

  static {
    forwarding(this);
  }

  /** @internal `read` sends a call and gives its result. */
  constructor(read: (call: string, signal?: AbortSignal) => unknown) {
    findable(this);
    this.#read = read;
  }

  /** The document at `key`, or `undefined`. */
  get<T = D>(key: string): T | undefined {
    return this.#read(`["get",${keyText(key)}]`) as T | undefined;
  }

  /** The document at `key` with its version and its time to live, or `undefined`. */
  getDocument<T = D>(key: string): VersionedDocument<T> | undefined {
    return versioned<T>(key, this.#read(`["getDocument",${keyText(key)}]`));
  }

  /** The documents at `keys`, in their order, with `undefined` for those that are not there. */
  getMany<T = D>(keys: Iterable<string>, options?: SignalOptions): (T | undefined)[] {
    const rows = this.#ask(`["getMany",[${keyList(keys)}]]`, "getMany", options) as [T?][];
    return rows.map(([document]) => document);
  }

  /** Whether there is a document at `key`. */
  has(key: string): boolean {
    return this.#read(`["has",${keyText(key)}]`) as boolean;
  }

  /** How many documents there are in a range, without one in all; or how many rows a query has. */
  count<T = D>(range?: Range | Query<T>, options?: SignalOptions): number {
    const text = isQuery(range) ? `["countRows",${queryText(range)}]` : `["count",${rangeText(range as Range | undefined)}]`;
    return this.#ask(text, "count", options) as number;
  }

  /** The keys in a range, in order. */
  keys(range?: Range, options?: SignalOptions): string[] {
    return this.#ask(`["keys",${rangeText(range)}]`, "keys", options) as string[];
  }

  /** The documents in a range, in the order of their keys. For more than fits in memory there is `scan`. */
  values<T = D>(range?: Range, options?: SignalOptions): T[] {
    return this.#ask(`["values",${rangeText(range)}]`, "values", options) as T[];
  }

  /** The keys and documents in a range, in order. For more than fits in memory there is `scan`. */
  entries<T = D>(range?: Range, options?: SignalOptions): [key: string, document: T][] {
    return this.#ask(`["entries",${rangeText(range)}]`, "entries", options) as [string, T][];
  }

  /**
   * The keys of the documents whose value at `path` equals a value, or lies within bounds: in the order of their keys
   * for a value, of the values for bounds. Without an index on the path it looks at every document.
   */
  find(path: string, condition: Condition, options?: FindOptions): string[] {
    const { signal, rest } = splitSignal(options, "find");
    const text = `["find",${pathText(path)},${conditionText(condition)},${findOptionsText(rest)}]`;
    return this.#ask(text, "find", { signal }) as string[];
  }

  /** The same as `find` with where the next page begins. */
  findPage(path: string, condition: Condition, options?: FindOptions): FindPage {
    const { signal, rest } = splitSignal(options, "findPage");
    const text = `["findPage",${pathText(path)},${conditionText(condition)},${findOptionsText(rest)}]`;
    return this.#ask(text, "findPage", { signal }) as FindPage;
  }

  /**
   * The documents that a query finds. Where it costs less an index is read; the result is the same without one.
   *
   * ```ts
   * const rows = db.query<User>({ where: { role: "admin", age: { gte: 18 } }, orderBy: "age", limit: 10 });
   * for (const { key, value } of rows) console.log(key, value.name);
   * ```
   *
   * A signal rejects it at once with the error `Aborted`. If the engine has not begun with it, it never will; otherwise the engine
   * ends what it has begun.
   */
  query<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): Row<Selected<D, S[number]>>[];
  query<T = D>(query: Query<T>, options?: SignalOptions): Row<T>[];
  query<T = D>(query: Query<T>, options?: SignalOptions): Row<T>[] {
    return this.queryPage(query, options).rows;
  }

  /** The same as `query` with where the next page begins. */
  queryPage<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): QueryPage<Selected<D, S[number]>>;
  queryPage<T = D>(query: Query<T>, options?: SignalOptions): QueryPage<T>;
  queryPage<T = D>(query: Query<T>, options?: SignalOptions): QueryPage<T> {
    return this.#ask(`["query",${queryText(query)}]`, "query", options) as QueryPage<T>;
  }

  /** The first row of a query, or `undefined`. */
  findOne<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): Row<Selected<D, S[number]>> | undefined;
  findOne<T = D>(query: Query<T>, options?: SignalOptions): Row<T> | undefined;
  findOne<T = D>(query: Query<T>, options?: SignalOptions): Row<T> | undefined {
    return this.#ask(`["findOne",${queryText(query)}]`, "findOne", options) as Row<T> | undefined;
  }

  /** Sends what may take long: with a signal nobody waits for it any more. */
  #ask(text: string, verb: string, options: SignalOptions | undefined): unknown {
    const signal = signalOf(options, verb);
    assertGoesOn(signal, verb);
    return abortable(this.#read(text, signal), signal, verb);
  }
}

/** A document as `[version, expiry, document]`. */
export function versioned<T>(key: string, row: unknown): VersionedDocument<T> | undefined {
  if (row === undefined) return undefined;
  const [version, expiresAt, document] = row as [number, number | null, T];
  return { key, document, version, expiresAt: expiresAt === null ? undefined : new Date(expiresAt) };
}
