import { putText } from "../streams/bytes.js";
import { keyText, ttlMs, ttlOption } from "../arguments/check.js";
import type { TransactionCalls } from "./transaction-calls.js";
import { type CollectionName, prefixOf, prefixed, schemaOf } from "../arguments/names.js";
import { Reader } from "./reader.js";
import { forwarding } from "../arguments/receivers.js";
import { validated } from "./schema.js";
import type { StandardSchema, TtlOptions } from "../types.js";

/**
 * What the function given to `db.transaction` reads and writes by. All it reads is of one state of the database, and of
 * what it has written itself; what it writes is committed when the function is done, all at once.
 */
export class ActiveTransaction<D = unknown, I = D> extends Reader<D> {
  readonly #calls: TransactionCalls;
  readonly #prefix: string;
  readonly #schema: StandardSchema | undefined;

  static {
    forwarding(this);
  }

  private constructor(calls: TransactionCalls, prefix: string, schema: StandardSchema | undefined) {
    super((call, signal) => calls.read(prefixed(prefix, call), signal));
    this.#calls = calls;
    this.#prefix = prefix;
    this.#schema = schema;
  }

  /** @internal The transaction on the default collection. */
  static begun(calls: TransactionCalls): ActiveTransaction {
    return new ActiveTransaction(calls, "", undefined);
  }

  /** The same transaction on another collection. */
  collection<C = unknown, J = C>(collection: CollectionName<C, J>): ActiveTransaction<C, J> {
    return new ActiveTransaction<C, J>(this.#calls, prefixOf(collection), schemaOf(collection));
  }

  /** Stores a document. */
  async set(key: string, document: I, options?: TtlOptions): Promise<void> {
    await this.#put(key, document, ttlOption(options));
  }

  /** Stores a document that expires so many seconds after the commit. */
  async setEx(key: string, document: I, seconds: number): Promise<void> {
    await this.#put(key, document, ttlMs(seconds));
  }

  /** Deletes the document at `key`, if there is one. */
  async delete(key: string): Promise<void> {
    await this.#calls.write(prefixed(this.#prefix, `["delete",${keyText(key)}]`));
  }

  async #put(key: string, document: I, ttl: number | undefined): Promise<void> {
    const valid = validated(this.#schema, document, key);
    const { value } = "then" in valid ? await valid : valid;
    await this.#calls.write(prefixed(this.#prefix, putText(key, value, ttl, this.#calls.attach)));
  }
}
