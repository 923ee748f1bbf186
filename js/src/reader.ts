import { conditionText, findOptionsText, keyText, pathText, rangeText } from "./check.js";
import { keyList } from "./lists.js";
import {
  type FindPage, isQuery, type PathOf, type Query, type QueryPage, queryText, type Row, type Selected, type SelectQuery,
} from "./query.js";
import { abortable, assertGoesOn, signalOf } from "./signals.js";
import type { Condition, FindOptions, Range, SignalOptions, VersionedDocument } from "./types.js";

/** The verbs that read, the same for a collection, for a snapshot of one and within a transaction. */
export class Reader<D = unknown> {
  readonly #read: (call: string) => Promise<unknown>;

  /** @internal `read` sends a call and gives its result. */
  constructor(read: (call: string) => Promise<unknown>) {
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
  async getMany<T = D>(keys: Iterable<string>): Promise<(T | undefined)[]> {
    const rows = (await this.#read(`["getMany",[${keyList(keys)}]]`)) as [T?][];
    return rows.map(([document]) => document);
  }

  /** Whether there is a document at `key`. */
  async has(key: string): Promise<boolean> {
    return (await this.#read(`["has",${keyText(key)}]`)) as boolean;
  }

  /** How many documents there are in a range, without one in all; or how many rows a query has. */
  async count<T = D>(range?: Range | Query<T>): Promise<number> {
    if (isQuery(range)) return (await this.#read(`["countRows",${queryText(range)}]`)) as number;
    return (await this.#read(`["count",${rangeText(range as Range | undefined)}]`)) as number;
  }

  /** The keys in a range, in order. */
  async keys(range?: Range): Promise<string[]> {
    return (await this.#read(`["keys",${rangeText(range)}]`)) as string[];
  }

  /** The documents in a range, in the order of their keys. For more than fits in memory there is `scan`. */
  async values<T = D>(range?: Range): Promise<T[]> {
    return (await this.#read(`["values",${rangeText(range)}]`)) as T[];
  }

  /** The keys and documents in a range, in order. For more than fits in memory there is `scan`. */
  async entries<T = D>(range?: Range): Promise<[key: string, document: T][]> {
    return (await this.#read(`["entries",${rangeText(range)}]`)) as [string, T][];
  }

  /**
   * The keys of the documents whose value at `path` equals a value, or lies within bounds: in the order of their keys
   * for a value, of the values for bounds. Without an index on the path it looks at every document.
   */
  async find(path: string, condition: Condition, options?: FindOptions): Promise<string[]> {
    const text = `["find",${pathText(path)},${conditionText(condition)},${findOptionsText(options)}]`;
    return (await this.#read(text)) as string[];
  }

  /** The same as `find` with where the next page begins. */
  async findPage(path: string, condition: Condition, options?: FindOptions): Promise<FindPage> {
    const text = `["findPage",${pathText(path)},${conditionText(condition)},${findOptionsText(options)}]`;
    return (await this.#read(text)) as FindPage;
  }

  /**
   * The documents that a query finds. Where it costs less an index is read; the result is the same without one.
   *
   * ```ts
   * const rows = await db.query<User>({ where: { role: "admin", age: { gte: 18 } }, orderBy: "age", limit: 10 });
   * for (const { key, value } of rows) console.log(key, value.name);
   * ```
   *
   * With a signal nobody waits for it any more, with the error `Aborted`; the engine ends what it has begun.
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
    const signal = signalOf(options, "query");
    assertGoesOn(signal, "query");
    return (await abortable(this.#read(`["query",${queryText(query)}]`), signal, "query")) as QueryPage<T>;
  }

  /** The first row of a query, or `undefined`. */
  findOne<const S extends readonly PathOf<D>[]>(query: SelectQuery<D, S>): Promise<Row<Selected<D, S[number]>> | undefined>;
  findOne<T = D>(query: Query<T>): Promise<Row<T> | undefined>;
  async findOne<T = D>(query: Query<T>): Promise<Row<T> | undefined> {
    return (await this.#read(`["findOne",${queryText(query)}]`)) as Row<T> | undefined;
  }
}

/** A document as `[version, expiry, document]`. */
export function versioned<T>(key: string, row: unknown): VersionedDocument<T> | undefined {
  if (row === undefined) return undefined;
  const [version, expiresAt, document] = row as [number, number | null, T];
  return { key, document, version, expiresAt: expiresAt === null ? undefined : new Date(expiresAt) };
}
