import { type Attach, putText } from "./bytes.js";
import { conditionText, findOptionsText, keyText, pathText, rangeText, ttlMs, ttlOption } from "./check.js";
import { FerroliteError } from "./error.js";
import { keyList } from "./lists.js";
import type { Condition, FindOptions, Range, TtlOptions } from "./types.js";

/**
 * What the function given to `db.transaction` reads and writes by. All it reads is of one state of the database, and of
 * what it has written itself; what it writes is committed when the function is done, all at once.
 */
export class ActiveTransaction {
  readonly #id: number;
  readonly #call: (text: string) => Promise<unknown>;
  readonly #attach: Attach;
  #isOver = false;

  /** @internal */
  constructor(id: number, call: (text: string) => Promise<unknown>, attach: Attach) {
    this.#id = id;
    this.#call = call;
    this.#attach = attach;
  }

  /** The document at `key`, or `undefined`. */
  async get<T = unknown>(key: string): Promise<T | undefined> {
    return (await this.#read(`["get",${keyText(key)}]`)) as T | undefined;
  }

  /** The documents at `keys`, in their order, with `undefined` for those that are not there. */
  async getMany<T = unknown>(keys: Iterable<string>): Promise<(T | undefined)[]> {
    const rows = (await this.#read(`["getMany",[${keyList(keys)}]]`)) as [T?][];
    return rows.map(([document]) => document);
  }

  /** Whether there is a document at `key`. */
  async has(key: string): Promise<boolean> {
    return (await this.#read(`["has",${keyText(key)}]`)) as boolean;
  }

  /** How many documents there are in a range; without one, in all. */
  async count(range?: Range): Promise<number> {
    return (await this.#read(`["count",${rangeText(range)}]`)) as number;
  }

  /** The keys in a range, in order. */
  async keys(range?: Range): Promise<string[]> {
    return (await this.#read(`["keys",${rangeText(range)}]`)) as string[];
  }

  /** The documents in a range, in the order of their keys. */
  async values<T = unknown>(range?: Range): Promise<T[]> {
    return (await this.#read(`["values",${rangeText(range)}]`)) as T[];
  }

  /** The keys and documents in a range, in order. */
  async entries<T = unknown>(range?: Range): Promise<[key: string, document: T][]> {
    return (await this.#read(`["entries",${rangeText(range)}]`)) as [string, T][];
  }

  /** The keys of the documents whose value at `path` equals a value, or lies within bounds, as the database's `find`. */
  async find(path: string, condition: Condition, options?: FindOptions): Promise<string[]> {
    const text = `["find",${pathText(path)},${conditionText(condition)},${findOptionsText(options)}]`;
    return (await this.#read(text)) as string[];
  }

  /** Stores a document. */
  async set(key: string, document: unknown, options?: TtlOptions): Promise<void> {
    const ttl = ttlOption(options);
    await this.#write(putText(key, document, ttl, this.#attach));
  }

  /** Stores a document that expires so many seconds after the commit. */
  async setEx(key: string, document: unknown, seconds: number): Promise<void> {
    await this.#write(putText(key, document, ttlMs(seconds), this.#attach));
  }

  /** Deletes the document at `key`, if there is one. */
  async delete(key: string): Promise<void> {
    await this.#write(`["delete",${keyText(key)}]`);
  }

  /** @internal Commits it. From now on it cannot be used. */
  async commit(): Promise<void> {
    this.#isOver = true;
    await this.#call(`["txCommit",${this.#id}]`);
  }

  /** @internal Ends it without writing anything. */
  async rollBack(): Promise<void> {
    this.#isOver = true;
    await this.#call(`["txRollback",${this.#id}]`);
  }

  async #read(call: string): Promise<unknown> {
    this.#assertGoesOn();
    return this.#call(`["txRead",${this.#id},${call}]`);
  }

  async #write(call: string): Promise<void> {
    this.#assertGoesOn();
    await this.#call(`["txWrite",${this.#id},${call}]`);
  }

  #assertGoesOn(): void {
    if (this.#isOver) {
      const message = "the transaction has ended; await all that it does within the function given to transaction";
      throw new FerroliteError("InvalidTransaction", message);
    }
  }
}
