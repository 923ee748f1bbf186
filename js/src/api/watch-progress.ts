/** The changes that a watch has delivered: with another engine it continues behind them. */
import type { Change, RowChanges } from "../types.js";

/** The subject of a watch, and how much of it was delivered. */
export interface Watched<T> {
  /** The watch is opened again; the version behind which it has to begin, if there is one. */
  opens(): number | undefined;
  /** Everything up to this version was delivered, or is not to be. */
  passed(version: number): void;
  /** What an answer tells. */
  rows(answer: unknown): T[];
}

/** The changes of keys. */
class WatchedKeys<T> implements Watched<T> {
  /** Everything up to this version was delivered, ... */
  #behind: number | undefined;
  /** ... and so many changes of this one. */
  #version = 0;
  #told = 0;
  /** The number of them that will come a second time. */
  #again = 0;

  opens(): number | undefined {
    this.#again = this.#told;
    return this.#behind;
  }

  passed(version: number): void {
    this.#behind = Math.max(this.#behind ?? 0, version);
    if (version >= this.#version) this.#told = 0;
  }

  rows(answer: unknown): T[] {
    return (answer as Change[]).filter(({ kind, version }) => {
      // An expiry is not of a commit.
      if (kind === "expire") return true;
      if (version === this.#version && this.#again > 0) {
        this.#again--;
        return false;
      }
      if (version > this.#version) {
        this.passed(version - 1);
        [this.#version, this.#told, this.#again] = [version, 0, 0];
      }
      this.#told++;
      return true;
    }) as T[];
  }
}

/** The rows of a query. */
class WatchedRows<T> implements Watched<RowChanges<T>> {
  /** The versions of the rows that were told, once they were. */
  #told: Map<string, number> | undefined;
  /** Whether all rows are about to be told again. */
  #again = false;

  opens(): undefined {
    this.#again = this.#told !== undefined;
  }

  passed(): void {}

  rows(answer: unknown): RowChanges<T>[] {
    const told = (this.#told ??= new Map());
    const changes = this.#again ? since(told, answer as RowChanges<T>) : (answer as RowChanges<T>);
    for (const { key, version } of [...changes.added, ...changes.changed]) told.set(key, version);
    for (const key of changes.removed) told.delete(key);
    const isNothing = this.#again && changes.added.length + changes.changed.length + changes.removed.length === 0;
    this.#again = false;
    return isNothing ? [] : [changes];
  }
}

/** What has changed since rows of these versions were told, when all rows are told again. */
function since<T>(told: ReadonlyMap<string, number>, { version, added: rows }: RowChanges<T>): RowChanges<T> {
  const found = new Set(rows.map(({ key }) => key));
  return {
    version,
    added: rows.filter(({ key }) => !told.has(key)),
    changed: rows.filter(({ key, version }) => told.has(key) && told.get(key) !== version),
    removed: [...told.keys()].filter((key) => !found.has(key)),
  };
}

/** What becomes of a watch that has told nothing. */
export const watched = { keys: () => new WatchedKeys<unknown>(), rows: () => new WatchedRows<unknown>() };
