/** What a watch has told, once it was opened: so it goes on with another engine where it was with the one before. */
import type { Change, RowChanges } from "./types.js";
import type { Watch, Watched } from "./watch.js";

/** The changes of keys. */
class WatchedKeys<T> implements Watched<T> {
  /** All up to this version was told, ... */
  #behind: number | undefined;
  /** ... and so many changes of this one. */
  #version = 0;
  #told = 0;
  /** How many of them are told a second time. */
  #again = 0;

  constructor(behind: number | undefined) {
    this.#behind = behind;
  }

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

/** What becomes of a watch that has told nothing; all up to a version is not to be told. */
export const watched = { keys: (behind?: number) => new WatchedKeys<unknown>(behind), rows: () => new WatchedRows<unknown>() };

/** Hands all that a watch tells to a subscriber, until it is over. */
export async function follow<T>(
  watch: Watch<T>,
  over: AbortSignal,
  onNext: (row: T) => unknown,
  onEnd: ((error: unknown) => void) | undefined,
): Promise<void> {
  const end = (error?: unknown) => {
    if (over.aborted) return;
    if (onEnd !== undefined) onEnd(error);
    else if (error !== undefined) throw error;
  };
  const run = async () => {
    for await (const row of watch) {
      if (over.aborted) return;
      await onNext(row);
    }
  };
  await run().then(() => end(), end);
}
