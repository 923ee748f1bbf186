import { type Attach, putText } from "./bytes.js";
import { keyText, ttlMs, ttlOption } from "./check.js";
import { FerroliteError } from "./error.js";
import { type CollectionName, prefixOf, prefixed, schemaOf } from "./names.js";
import { Reader } from "./reader.js";
import { type StandardSchema, validated } from "./schema.js";
import type { TtlOptions } from "./types.js";

/** A transaction that is under way, whatever collection it is used on. */
class Course {
  readonly #id: number;
  readonly #call: (text: string) => Promise<unknown>;
  readonly attach: Attach;
  #isOver = false;

  constructor(id: number, call: (text: string) => Promise<unknown>, attach: Attach) {
    this.#id = id;
    this.#call = call;
    this.attach = attach;
  }

  async read(call: string): Promise<unknown> {
    this.#assertGoesOn();
    return this.#call(`["txRead",${this.#id},${call}]`);
  }

  async write(call: string): Promise<void> {
    this.#assertGoesOn();
    await this.#call(`["txWrite",${this.#id},${call}]`);
  }

  async end(verb: "txCommit" | "txRollback"): Promise<void> {
    this.#isOver = true;
    await this.#call(`["${verb}",${this.#id}]`);
  }

  #assertGoesOn(): void {
    if (this.#isOver) {
      const message = "the transaction has ended; await all that it does within the function given to transaction";
      throw new FerroliteError("InvalidTransaction", message);
    }
  }
}

/**
 * What the function given to `db.transaction` reads and writes by. All it reads is of one state of the database, and of
 * what it has written itself; what it writes is committed when the function is done, all at once.
 */
export class ActiveTransaction<D = unknown, I = D> extends Reader<D> {
  readonly #course: Course;
  readonly #prefix: string;
  readonly #schema: StandardSchema | undefined;

  private constructor(course: Course, prefix: string, schema: StandardSchema | undefined) {
    super((call) => course.read(prefixed(prefix, call)));
    this.#course = course;
    this.#prefix = prefix;
    this.#schema = schema;
  }

  /** @internal The transaction of this number, on the default collection. */
  static begun(id: number, call: (text: string) => Promise<unknown>, attach: Attach): ActiveTransaction {
    return new ActiveTransaction(new Course(id, call, attach), "", undefined);
  }

  /** The same transaction on another collection. */
  collection<C = unknown, J = C>(collection: CollectionName<C, J>): ActiveTransaction<C, J> {
    return new ActiveTransaction<C, J>(this.#course, prefixOf(collection), schemaOf(collection));
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
    await this.#course.write(prefixed(this.#prefix, `["delete",${keyText(key)}]`));
  }

  /** @internal Commits it. From now on it cannot be used. */
  commit(): Promise<void> {
    return this.#course.end("txCommit");
  }

  /** @internal Ends it without writing anything. */
  rollBack(): Promise<void> {
    return this.#course.end("txRollback");
  }

  async #put(key: string, document: I, ttl: number | undefined): Promise<void> {
    const valid = validated(this.#schema, document, key);
    const { value } = valid instanceof Promise ? await valid : valid;
    await this.#course.write(prefixed(this.#prefix, putText(key, value, ttl, this.#course.attach)));
  }
}
