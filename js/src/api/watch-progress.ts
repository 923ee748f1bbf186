/** The changes that a watch has delivered. At another engine, the watch continues after them. */
import type { Change, RowChanges } from "../types.js";

/** Remembers which changes of a watch were delivered. */
export interface WatchProgress<T> {
  /** Prepares for a watch that is opened again, and returns the version after which it begins; `undefined` if it has none. */
  opens(): number | undefined;
  /** Records that everything up to this version was delivered, or is not to be delivered. */
  passed(version: number): void;
  /** Returns the changes of an answer that were not delivered before. */
  rows(answer: unknown): T[];
}

/** The progress of a watch of keys. */
class KeyProgress<T> implements WatchProgress<T> {
  /** The version up to which all changes were delivered. */
  #complete: number | undefined;
  /** The version whose changes were delivered in part, and the count of these changes. */
  #version = 0;
  #delivered = 0;
  /** The count of changes of that version which the other engine will deliver a second time. */
  #repeated = 0;

  opens(): number | undefined {
    this.#repeated = this.#delivered;
    return this.#complete;
  }

  passed(version: number): void {
    this.#complete = Math.max(this.#complete ?? 0, version);
    if (version >= this.#version) this.#delivered = 0;
  }

  rows(answer: unknown): T[] {
    return (answer as Change[]).filter(({ kind, version }) => {
      // An expiry belongs to no commit.
      if (kind === "expire") return true;
      if (version === this.#version && this.#repeated > 0) {
        this.#repeated--;
        return false;
      }
      if (version > this.#version) {
        this.passed(version - 1);
        [this.#version, this.#delivered, this.#repeated] = [version, 0, 0];
      }
      this.#delivered++;
      return true;
    }) as T[];
  }
}

/** The progress of a watch of a query. */
class RowProgress<T> implements WatchProgress<RowChanges<T>> {
  /** The versions of the delivered rows by key; `undefined` before the first delivery. */
  #delivered: Map<string, number> | undefined;
  /** True if the next answer has all rows again. */
  #isRepeated = false;

  opens(): undefined {
    this.#isRepeated = this.#delivered !== undefined;
  }

  passed(): void {}

  rows(answer: unknown): RowChanges<T>[] {
    const delivered = (this.#delivered ??= new Map());
    const changes = this.#isRepeated ? changesSince(delivered, answer as RowChanges<T>) : (answer as RowChanges<T>);
    for (const { key, version } of [...changes.added, ...changes.changed]) delivered.set(key, version);
    for (const key of changes.removed) delivered.delete(key);
    const isNothing = this.#isRepeated && changes.added.length + changes.changed.length + changes.removed.length === 0;
    this.#isRepeated = false;
    return isNothing ? [] : [changes];
  }
}

/** Returns the changes since the delivery of these versions, from an answer that has all rows. */
function changesSince<T>(delivered: ReadonlyMap<string, number>, { version, added: rows }: RowChanges<T>): RowChanges<T> {
  const found = new Set(rows.map(({ key }) => key));
  return {
    version,
    added: rows.filter(({ key }) => !delivered.has(key)),
    changed: rows.filter(({ key, version }) => delivered.has(key) && delivered.get(key) !== version),
    removed: [...delivered.keys()].filter((key) => !found.has(key)),
  };
}

/** Creates the progress of a watch that has delivered nothing. */
export const progressOf = { keys: () => new KeyProgress<unknown>(), rows: () => new RowProgress<unknown>() };
