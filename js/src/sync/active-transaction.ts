// Made of js/src/active-transaction.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
import { putText } from "./bytes.js";
import { keyText, ttlMs, ttlOption } from "../check.js";
import type { Course } from "./course.js";
import { type CollectionName, prefixOf, prefixed, schemaOf } from "../names.js";
import { SyncReader } from "./reader.js";
import { forwarding } from "../receivers.js";
import { type StandardSchema, validated } from "./schema.js";
import type { TtlOptions } from "../types.js";

/**
 * What the function given to `db.transaction` reads and writes by. All it reads is of one state of the database, and of
 * what it has written itself; what it writes is committed when the function is done, all at once.
 */
export class SyncTransaction<D = unknown, I = D> extends SyncReader<D> {
  readonly #course: Course;
  readonly #prefix: string;
  readonly #schema: StandardSchema | undefined;

  static {
    forwarding(this);
  }

  private constructor(course: Course, prefix: string, schema: StandardSchema | undefined) {
    super((call, signal) => course.read(prefixed(prefix, call), signal));
    this.#course = course;
    this.#prefix = prefix;
    this.#schema = schema;
  }

  /** @internal The transaction on the default collection. */
  static begun(course: Course): SyncTransaction {
    return new SyncTransaction(course, "", undefined);
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

  #put(key: string, document: I, ttl: number | undefined): void {
    const valid = validated(this.#schema, document, key);
    const { value } = valid;
    this.#course.write(prefixed(this.#prefix, putText(key, value, ttl, this.#course.attach)));
  }
}
