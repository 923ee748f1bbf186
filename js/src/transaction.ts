import { documentText, keyText, ttlMs, ttlOption } from "./check.js";
import type { TtlOptions } from "./types.js";

/**
 * Writes that are committed together: all of them or none, with one flush. What depends on what is read first goes by
 * `db.transaction`.
 *
 * Nothing happens until it is given to `commit`. Input is checked, and documents are copied, as they are added, so
 * these methods throw a `FerroliteError` themselves. Of several writes to one key the last one wins.
 *
 * ```ts
 * await db.commit(new Transaction().set("a", { n: 1 }).setEx("b", { n: 2 }, 60).delete("c"));
 * ```
 */
export class Transaction {
  readonly #operations: string[] = [];

  /** Stores a document. */
  set(key: string, document: unknown, options?: TtlOptions): this {
    const ttl = ttlOption(options);
    return this.#push(key, document, ttl);
  }

  /** Stores a document that expires after so many seconds. */
  setEx(key: string, document: unknown, seconds: number): this {
    return this.#push(key, document, ttlMs(seconds));
  }

  /** Deletes a document, if it is there. */
  delete(key: string): this {
    this.#operations.push(`["delete",${keyText(key)}]`);
    return this;
  }

  /** How many writes were added. */
  get size(): number {
    return this.#operations.length;
  }

  /** @internal The operations as a JSON array. */
  text(): string {
    return `[${this.#operations.join(",")}]`;
  }

  #push(key: string, document: unknown, ttl: number | undefined): this {
    const pair = `${keyText(key)},${documentText(document, key)}`;
    this.#operations.push(ttl === undefined ? `["set",${pair}]` : `["setEx",${pair},${ttl}]`);
    return this;
  }
}
