/** Watches: changes as they are committed, as an async iterator or by a callback. */
import type { EngineWatcher } from "./channel.js";
import { keyText, plain, rangeText, watchOptionsText } from "./check.js";
import { asyncDispose } from "./dispose.js";
import { FerroliteError } from "./error.js";
import { aborted } from "./signals.js";
import type { Change, Range, RowChanges, WatchOptions, WatchSelector } from "./types.js";
import { quietly } from "./waiting.js";

/**
 * Sends calls, as JSON text, to an engine that may be another one some day: then all of `watches` are told.
 * @internal
 */
export interface WatchCaller {
  call(text: string): unknown;
  readonly watches: Set<EngineWatcher>;
}

/**
 * What is watched, and what of it was told.
 * @internal
 */
export interface Watched<T> {
  /** The call that opens the watch, behind what was told; or throws. */
  open(): string;
  /** All up to this version was told, or is not to be. */
  passed(version: number): void;
  /** What an answer tells. */
  rows(answer: unknown): T[];
}

/**
 * What is told by a watch, in order. It begins with the call that made it, and ends when its loop is broken off, by
 * `return()`, by the one who subscribed, by a signal, or when the database is closed; in the last case without an error.
 *
 * ```ts
 * for await (const change of db.watch({ prefix: "user:" })) console.log(change.kind, change.key, change.value);
 *
 * const stop = db.watch({ key: "settings" }).subscribe((change) => apply(change.value));
 * ```
 *
 * One watch is for one loop or one subscriber. One that nobody reads has to be ended by `return()`.
 */
export class Watch<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #caller: WatchCaller;
  readonly #watched: Watched<T>;
  /** The watch's number, or `undefined` when it could not be opened. */
  #id: Promise<number | undefined>;
  #isOpening = false;
  /** That number, once it is known. */
  #number: number | undefined;
  readonly #signal: AbortSignal | undefined;
  #rows: T[] = [];
  #position = 0;
  /** Why there is nothing more, once that is so. */
  #end: { error: FerroliteError | undefined } | undefined;
  /** The last `next()`: each waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(caller: WatchCaller, watched: Watched<T>, signal?: AbortSignal) {
    this.#caller = caller;
    this.#watched = watched;
    // What is none is found by `open`.
    this.#signal = signal instanceof AbortSignal ? signal : undefined;
    caller.watches.add(this.#engineWatcher);
    this.#id = this.#open();
    this.#signal?.addEventListener("abort", this.#abort);
  }

  /** What comes next, as soon as there is something. */
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {});
    return next;
  }

  /** Ends the watch; a `next()` that waits ends with it. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#finish(undefined);
    this.#rows = [];
    const id = await this.#id;
    // A database that is being closed has let go of it already.
    if (id !== undefined) await quietly(async () => this.#caller.call(`["watchClose",${id}]`));
    return { done: true, value: undefined };
  }

  /** `await using changes = db.watch(...)` ends it at the end of the block. */
  async [asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * Calls `onNext` with all that comes, one after the other: what it returns is waited for. `onEnd` is called when there is
   * nothing more, with the error if it was one; what `onNext` throws counts as one, and ends the watch. Without `onEnd` an
   * error is an unhandled rejection. The function that is returned ends the watch; nothing is called after that.
   */
  subscribe(onNext: (row: T) => unknown, onEnd?: (error: unknown) => void): () => void {
    let isOver = false;
    const run = async () => {
      for await (const row of this) {
        if (isOver) return;
        await onNext(row);
      }
    };
    const end = (error?: unknown) => {
      if (isOver) return;
      isOver = true;
      if (onEnd !== undefined) onEnd(error);
      else if (error !== undefined) throw error;
    };
    void run().then(() => end(), end);
    return () => {
      isOver = true;
      void this.return();
    };
  }

  async #open(): Promise<number | undefined> {
    this.#isOpening = true;
    try {
      const text = this.#watched.open();
      if (this.#signal?.aborted === true) throw aborted(this.#signal, "the watch");
      const [id, version] = (await this.#caller.call(text)) as [number, number];
      this.#watched.passed(version);
      this.#number = id;
      return id;
    } catch (thrown) {
      this.#finish(thrown);
      return undefined;
    } finally {
      this.#isOpening = false;
    }
  }

  readonly #engineWatcher: EngineWatcher = {
    // Another engine knows nothing of the watch; but one that is being opened is opened there.
    renewed: () => {
      if (!this.#isOpening) this.#id = this.#open();
    },
    passed: (id, version) => {
      if (id === this.#number) this.#watched.passed(version);
    },
  };

  async #next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#position < this.#rows.length) return { done: false, value: this.#rows[this.#position++] as T };
      const id = await this.#id;
      if (this.#end === undefined && id !== undefined) await this.#fetch(id);
      if (this.#end === undefined) continue;
      const { error } = this.#end;
      // It is told once.
      this.#end = { error: undefined };
      if (error !== undefined) throw error;
      return { done: true, value: undefined };
    }
  }

  async #fetch(id: number): Promise<void> {
    const opened = this.#id;
    try {
      const answer = await this.#caller.call(`["watchNext",${id}]`);
      if (answer === undefined) this.#finish(undefined);
      if (this.#end !== undefined) return;
      this.#rows = this.#watched.rows(answer);
      this.#position = 0;
    } catch (thrown) {
      if (opened === this.#id) this.#finish(thrown);
    }
  }

  readonly #abort = (): void => {
    this.#finish(aborted(this.#signal, "the watch"));
    void this.return();
  };

  #finish(thrown: unknown): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#caller.watches.delete(this.#engineWatcher);
    const error = thrown === undefined ? undefined : FerroliteError.from(thrown, "Internal");
    this.#end ??= { error: error?.code === "Closed" ? undefined : error };
  }
}

/**
 * The changes of keys.
 * @internal
 */
export class WatchedKeys<T> implements Watched<T> {
  readonly #selector: WatchSelector | undefined;
  readonly #options: WatchOptions | undefined;
  /** All up to this version was told, ... */
  #behind: number | undefined;
  /** ... and so many changes of this one. */
  #version = 0;
  #told = 0;
  /** How many of them are told a second time. */
  #again = 0;

  constructor(selector: WatchSelector | undefined, options: WatchOptions | undefined) {
    this.#selector = selector;
    this.#options = options;
  }

  open(): string {
    this.#again = this.#told;
    const options = this.#behind === undefined ? this.#options : { ...this.#options, since: this.#behind };
    return `["watchOpen",${selectorText(this.#selector)},${watchOptionsText(options)}]`;
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

/**
 * The rows of a query.
 * @internal
 */
export class WatchedRows<T> implements Watched<RowChanges<T>> {
  readonly #open: () => string;
  /** The versions of the rows that were told, once they were. */
  #told: Map<string, number> | undefined;
  /** Whether all rows are about to be told again. */
  #again = false;

  constructor(open: () => string) {
    this.#open = open;
  }

  open(): string {
    this.#again = this.#told !== undefined;
    return this.#open();
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

function selectorText(selector: WatchSelector | undefined): string {
  if (typeof selector !== "object" || selector === null || !("key" in selector)) return rangeText(selector as Range | undefined);
  plain("InvalidRange", "a watch of one key", selector, ["key"]);
  const key = keyText(selector.key);
  return `{"gte":${key},"lte":${key}}`;
}
