import { type Attach, isBytes, putText } from "./bytes.js";
import { keyText, ttlMs, ttlOption } from "./check.js";
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
  readonly #operations: ((attach: Attach) => string)[] = [];

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
    const text = `["delete",${keyText(key)}]`;
    this.#operations.push(() => text);
    return this;
  }

  /** How many writes were added. */
  get size(): number {
    return this.#operations.length;
  }

  /** @internal The operations as a JSON array. */
  text(attach: Attach): string {
    return `[${this.#operations.map((operation) => operation(attach)).join(",")}]`;
  }

  #push(key: string, document: unknown, ttl: number | undefined): this {
    if (isBytes(document)) {
      const [checkedKey, copy] = [(keyText(key), key), document.slice()];
      this.#operations.push((attach) => putText(checkedKey, copy, ttl, attach));
    } else {
      const text = putText(key, document, ttl, () => 0);
      this.#operations.push(() => text);
    }
    return this;
  }
}
