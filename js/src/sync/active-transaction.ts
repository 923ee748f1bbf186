// Made of js/src/active-transaction.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
import { type Attach, putText } from "./bytes.js";
import { keyText, ttlMs, ttlOption } from "../check.js";
import { FerroliteError } from "../error.js";
import { type CollectionName, prefixOf, prefixed, schemaOf } from "../names.js";
import { SyncReader } from "./reader.js";
import { type StandardSchema, validated } from "./schema.js";
import type { TtlOptions } from "../types.js";

/** A transaction that is under way, whatever collection it is used on. */
class Course {
  readonly #id: number;
  readonly #call: (text: string) => unknown;
  readonly attach: Attach;
  #isOver = false;

  constructor(id: number, call: (text: string) => unknown, attach: Attach) {
    this.#id = id;
    this.#call = call;
    this.attach = attach;
  }

  read(call: string): unknown {
    this.#assertGoesOn();
    return this.#call(`["txRead",${this.#id},${call}]`);
  }

  write(call: string): void {
    this.#assertGoesOn();
    this.#call(`["txWrite",${this.#id},${call}]`);
  }

  end(verb: "txCommit" | "txRollback"): void {
    this.#isOver = true;
    this.#call(`["${verb}",${this.#id}]`);
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
export class SyncTransaction<D = unknown, I = D> extends SyncReader<D> {
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
  static begun(id: number, call: (text: string) => unknown, attach: Attach): SyncTransaction {
    return new SyncTransaction(new Course(id, call, attach), "", undefined);
  }

  /** The same transaction on another collection. */
  collection<C = unknown, J = C>(collection: CollectionName<C, J>): SyncTransaction<C, J> {
    return new SyncTransaction<C, J>(this.#course, prefixOf(collection), schemaOf(collection));
  }

  /** Stores a document. */
  set(key: string, document: I, options?: TtlOptions): void {
    this.#put(key, document, ttlOption(options));
  }

  /** Stores a document that expires so many seconds after the commit. */
  setEx(key: string, document: I, seconds: number): void {
    this.#put(key, document, ttlMs(seconds));
  }

  /** Deletes the document at `key`, if there is one. */
  delete(key: string): void {
    this.#course.write(prefixed(this.#prefix, `["delete",${keyText(key)}]`));
  }

  /** @internal Commits it. From now on it cannot be used. */
  commit(): void {
    return this.#course.end("txCommit");
  }

  /** @internal Ends it without writing anything. */
  rollBack(): void {
    return this.#course.end("txRollback");
  }

  #put(key: string, document: I, ttl: number | undefined): void {
    const valid = validated(this.#schema, document, key);
    const { value } = valid;
    this.#course.write(prefixed(this.#prefix, putText(key, value, ttl, this.#course.attach)));
  }
}
