import { conditionText, findOptionsText, keyText, pathText, rangeText } from "../arguments/check.js";
import { keyList } from "../arguments/lists.js";
import {
  type FindPage, isQuery, type PathOf, type Query, type QueryPage, queryText, type Selected, type SelectQuery,
} from "./query.js";
import { findable, forwarding } from "../arguments/receivers.js";
import { abortable, assertGoesOn, signalOf, splitSignal } from "../arguments/signals.js";
import type { Condition, FindOptions, Range, Row, SignalOptions, VersionedDocument } from "../types.js";

/** The verbs that read, the same for a collection, for a snapshot of one and within a transaction. */
export class Reader<D = unknown> {
  readonly #read: (call: string, signal?: AbortSignal) => Promise<unknown>;

  static {
    forwarding(this);
  }

  /** @internal `read` sends a call and gives its result. */
  constructor(read: (call: string, signal?: AbortSignal) => Promise<unknown>) {
    findable(this);
    this.#read = read;
  }

  /** The document at `key`, or `undefined`. */
  async get<T = D>(key: string): Promise<T | undefined> {
    return (await this.#read(`["get",${keyText(key)}]`)) as T | undefined;
  }

  /** The document at `key` with its version and its time to live, or `undefined`. */
  async getDocument<T = D>(key: string): Promise<VersionedDocument<T> | undefined> {
    return versioned<T>(key, await this.#read(`["getDocument",${keyText(key)}]`));
  }

  /** The documents at `keys`, in their order, with `undefined` for those that are not there. */
  async getMany<T = D>(keys: Iterable<string>, options?: SignalOptions): Promise<(T | undefined)[]> {
    const rows = (await this.#ask(`["getMany",[${keyList(keys)}]]`, "getMany", options)) as [T?][];
    return rows.map(([document]) => document);
  }

  /** True if there is a document at `key`. */
  async has(key: string): Promise<boolean> {
    return (await this.#read(`["has",${keyText(key)}]`)) as boolean;
  }

  /** How many documents there are in a range, without one in all; or how many rows a query has. */
  async count<T = D>(range?: Range | Query<T>, options?: SignalOptions): Promise<number> {
    const text = isQuery(range) ? `["countRows",${queryText(range)}]` : `["count",${rangeText(range as Range | undefined)}]`;
    return (await this.#ask(text, "count", options)) as number;
  }

  /** The keys in a range, in order. */
  async keys(range?: Range, options?: SignalOptions): Promise<string[]> {
    return (await this.#ask(`["keys",${rangeText(range)}]`, "keys", options)) as string[];
  }

  /** The documents in a range, in the order of their keys. For more than fits in memory there is `scan`. */
  async values<T = D>(range?: Range, options?: SignalOptions): Promise<T[]> {
    return (await this.#ask(`["values",${rangeText(range)}]`, "values", options)) as T[];
  }

  /** The keys and documents in a range, in order. For more than fits in memory there is `scan`. */
  async entries<T = D>(range?: Range, options?: SignalOptions): Promise<[key: string, document: T][]> {
    return (await this.#ask(`["entries",${rangeText(range)}]`, "entries", options)) as [string, T][];
  }

  /**
   * The keys of the documents whose value at `path` equals a value, or lies within bounds: in the order of their keys
   * for a value, of the values for bounds. Without an index on the path it looks at every document.
   */
  async find(path: string, condition: Condition, options?: FindOptions): Promise<string[]> {
    const { signal, rest } = splitSignal(options, "find");
    const text = `["find",${pathText(path)},${conditionText(condition)},${findOptionsText(rest)}]`;
    return (await this.#ask(text, "find", { signal })) as string[];
  }

  /** The same as `find` with where the next page begins. */
  async findPage(path: string, condition: Condition, options?: FindOptions): Promise<FindPage> {
    const { signal, rest } = splitSignal(options, "findPage");
    const text = `["findPage",${pathText(path)},${conditionText(condition)},${findOptionsText(rest)}]`;
    return (await this.#ask(text, "findPage", { signal })) as FindPage;
  }

  /**
   * The documents that a query finds. Where it costs less an index is read; the result is the same without one.
   *
   * ```ts
   * const rows = await db.query<User>({ where: { role: "admin", age: { gte: 18 } }, orderBy: "age", limit: 10 });
   * for (const { key, value } of rows) console.log(key, value.name);
   * ```
   *
   * A signal rejects it at once with the error `Aborted`. If the engine has not begun with it, it never will; otherwise the engine
   * ends what it has begun.
   */
  query<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): Promise<Row<Selected<D, S[number]>>[]>;
  query<T = D>(query: Query<T>, options?: SignalOptions): Promise<Row<T>[]>;
  async query<T = D>(query: Query<T>, options?: SignalOptions): Promise<Row<T>[]> {
    return (await this.queryPage(query, options)).rows;
  }

  /** The same as `query` with where the next page begins. */
  queryPage<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): Promise<QueryPage<Selected<D, S[number]>>>;
  queryPage<T = D>(query: Query<T>, options?: SignalOptions): Promise<QueryPage<T>>;
  async queryPage<T = D>(query: Query<T>, options?: SignalOptions): Promise<QueryPage<T>> {
    return (await this.#ask(`["query",${queryText(query)}]`, "query", options)) as QueryPage<T>;
  }

  /** The first row of a query, or `undefined`. */
  findOne<const S extends readonly PathOf<D>[]>(
    query: SelectQuery<D, S>,
    options?: SignalOptions,
  ): Promise<Row<Selected<D, S[number]>> | undefined>;
  findOne<T = D>(query: Query<T>, options?: SignalOptions): Promise<Row<T> | undefined>;
  async findOne<T = D>(query: Query<T>, options?: SignalOptions): Promise<Row<T> | undefined> {
    return (await this.#ask(`["findOne",${queryText(query)}]`, "findOne", options)) as Row<T> | undefined;
  }

  /** Sends what may take long: with a signal nobody waits for it any more. */
  async #ask(text: string, verb: string, options: SignalOptions | undefined): Promise<unknown> {
    const signal = signalOf(options, verb);
    assertGoesOn(signal, verb);
    return await abortable(this.#read(text, signal), signal, verb);
  }
}

/** A document as `[version, expiry, document]`. */
export function versioned<T>(key: string, row: unknown): VersionedDocument<T> | undefined {
  if (row === undefined) return undefined;
  const [version, expiresAt, document] = row as [number, number | null, T];
  return { key, document, version, expiresAt: expiresAt === null ? undefined : new Date(expiresAt) };
}
