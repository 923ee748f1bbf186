/** Watches: changes as they are committed, as an async iterator or by a callback. */
import type { EngineWatcher } from "./channel.js";
import { absent, isSignal, keyText, plain, rangeText, watchOptionsText } from "./check.js";
import { asyncDispose } from "./dispose.js";
import { FerroliteError } from "./error.js";
import { seldom } from "./later.js";
import { findable, forwarding } from "./receivers.js";
import { aborted } from "./signals.js";
import type { Range, WatchOptions, WatchSelector } from "./types.js";
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
  /** The watch is opened, for the first time or anew; the version behind which it has to begin, if there is one. */
  opens(): number | undefined;
  /** All up to this version was told, or is not to be. */
  passed(version: number): void;
  /** What an answer tells. */
  rows(answer: unknown): T[];
}

/**
 * How to ask for what is watched, behind a version if one is given; and what becomes of it.
 * @internal
 */
export interface Watching {
  readonly open: (since?: number) => string;
  readonly of: "keys" | "rows";
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
  readonly #watching: Watching;
  /** Once it is needed, ... */
  #watched: Watched<T> | undefined;
  /** ... and until then, up to which version nothing is to be told. */
  #behind: number | undefined;
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

  static {
    forwarding(this);
  }

  /** @internal */
  constructor(caller: WatchCaller, watching: Watching, signal?: AbortSignal) {
    findable(this);
    this.#caller = caller;
    this.#watching = watching;
    // What is none is found by `open`.
    this.#signal = isSignal(signal) ? signal : undefined;
    caller.watches.add(this.#engineWatcher);
    this.#id = this.#open();
    // It is there when the first answer is.
    seldom().catch(() => {});
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
    const over = new AbortController();
    const failed = (thrown: unknown) => {
      void this.return();
      if (onEnd === undefined) throw thrown;
      onEnd(thrown);
    };
    void seldom().then(({ follow }) => follow(this, over.signal, onNext, onEnd), failed);
    return () => {
      over.abort();
      void this.return();
    };
  }

  async #open(): Promise<number | undefined> {
    this.#isOpening = true;
    try {
      const text = this.#watching.open(this.#watched === undefined ? this.#behind : this.#watched.opens());
      if (this.#signal?.aborted === true) throw aborted(this.#signal, "the watch");
      const [id, version] = (await this.#caller.call(text)) as [number, number];
      this.#passed(version);
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
      if (id === this.#number) this.#passed(version);
    },
  };

  #passed(version: number): void {
    if (this.#watched === undefined) this.#behind = Math.max(this.#behind ?? 0, version);
    else this.#watched.passed(version);
  }

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
      this.#watched ??= (await seldom()).watched[this.#watching.of](this.#behind) as Watched<T>;
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
export function watchingKeys(selector: WatchSelector | undefined, options: WatchOptions | undefined): Watching {
  const open = (since?: number) =>
    `["watchOpen",${selectorText(selector)},${watchOptionsText(since === undefined ? options : { ...options, since })}]`;
  return { open, of: "keys" };
}

function selectorText(selector: WatchSelector | undefined): string {
  if (typeof selector !== "object" || selector === null || !("key" in selector)) return rangeText(selector as Range | undefined);
  plain("InvalidRange", "a watch of one key", selector, ["key"]);
  if (selector.key === undefined) throw absent("InvalidRange", "a watch: key");
  const key = keyText(selector.key);
  return `{"gte":${key},"lte":${key}}`;
}
