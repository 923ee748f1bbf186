import { brand } from "../brand.js";
import { type Attach, copyOfBytes, putText } from "../streams/bytes.js";
import { isBytes } from "../arguments/realms.js";
import { keyText, ttlMs, ttlOption } from "../arguments/check.js";
import { FerroliteError } from "../error.js";
import { type CollectionName, prefixOf, prefixed, schemaOf } from "../arguments/names.js";
import { findable, forwarding } from "../arguments/receivers.js";
import { validated } from "./schema.js";
import type { StandardSchema, TtlOptions } from "../types.js";

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
export class Transaction<I = unknown> {
  #operations: ((attach: Attach) => string)[] = [];
  #prefix = "";
  #schema: StandardSchema | undefined;

  static {
    brand(this, "Transaction");
    forwarding(this);
  }

  constructor() {
    findable(this);
  }

  /**
   * The same transaction, of which the writes go to another collection: `transaction.collection("users").set(...)`. Both
   * can be used on; whichever is committed, all is.
   */
  collection<C = unknown>(collection: CollectionName<unknown, C>): Transaction<C> {
    const other = new Transaction<C>();
    other.#operations = this.#operations;
    other.#prefix = prefixOf(collection);
    other.#schema = schemaOf(collection);
    return other;
  }

  /** Stores a document. */
  set(key: string, document: I, options?: TtlOptions): this {
    const ttl = ttlOption(options);
    return this.#push(key, document, ttl);
  }

  /** Stores a document that expires after so many seconds. */
  setEx(key: string, document: I, seconds: number): this {
    return this.#push(key, document, ttlMs(seconds));
  }

  /** Deletes a document, if it is there. */
  delete(key: string): this {
    const text = prefixed(this.#prefix, `["delete",${keyText(key)}]`);
    this.#operations.push(() => text);
    return this;
  }

  /** How many writes were added, to all collections. */
  get size(): number {
    return this.#operations.length;
  }

  /** @internal The operations as a JSON array. */
  text(attach: Attach): string {
    return `[${this.#operations.map((operation) => operation(attach)).join(",")}]`;
  }

  #push(key: string, document: I, ttl: number | undefined): this {
    const valid = validated(this.#schema, document, key);
    if ("then" in valid) {
      valid.catch(() => {});
      const message = "this collection's validator is asynchronous; write by db.transaction, which waits for it";
      throw new FerroliteError("Unsupported", message);
    }
    const { value } = valid;
    if (isBytes(value)) {
      keyText(key);
      const [copy, prefix] = [copyOfBytes(value), this.#prefix];
      this.#operations.push((attach) => prefixed(prefix, putText(key, copy, ttl, attach)));
    } else {
      const text = prefixed(this.#prefix, putText(key, value, ttl, noBytes));
      this.#operations.push(() => text);
    }
    return this;
  }
}

/** For documents of which it is known that they are no bytes. */
const noBytes: Attach = () => 0;
