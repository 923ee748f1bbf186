/** Watches: changes as they are committed, as an async iterator or by a callback. */
import { keyText, plain, rangeText, watchOptionsText } from "./check.js";
import { asyncDispose } from "./dispose.js";
import { FerroliteError } from "./error.js";
import type { Range, WatchOptions, WatchSelector } from "./types.js";
import { quietly } from "./waiting.js";

/** Sends one call, as JSON text, and returns its result, or a promise of it. */
type Call = (text: string) => unknown;

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
  readonly #call: Call;
  /** The watch's number, or `undefined` when it could not be opened. */
  readonly #id: Promise<number | undefined>;
  readonly #toRows: (answer: unknown) => T[];
  readonly #signal: AbortSignal | undefined;
  #rows: T[] = [];
  #position = 0;
  /** Why there is nothing more, once that is so. */
  #end: { error: FerroliteError | undefined } | undefined;
  /** The last `next()`: each waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal `open` makes the call that opens it, or throws; `toRows` takes an answer apart. */
  constructor(call: Call, open: () => string, toRows: (answer: unknown) => T[], signal?: AbortSignal) {
    this.#call = call;
    this.#toRows = toRows;
    // What is none is found by `open`.
    this.#signal = signal instanceof AbortSignal ? signal : undefined;
    this.#id = this.#open(open);
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
    if (id !== undefined) await quietly(async () => this.#call(`["watchClose",${id}]`));
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

  async #open(open: () => string): Promise<number | undefined> {
    try {
      const text = open();
      if (this.#signal?.aborted === true) throw aborted(this.#signal);
      return (await this.#call(text)) as number;
    } catch (thrown) {
      this.#finish(thrown);
      return undefined;
    }
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
    try {
      const answer = await this.#call(`["watchNext",${id}]`);
      if (answer === undefined) this.#finish(undefined);
      if (this.#end !== undefined) return;
      this.#rows = this.#toRows(answer);
      this.#position = 0;
    } catch (thrown) {
      this.#finish(thrown);
    }
  }

  readonly #abort = (): void => {
    this.#finish(aborted(this.#signal));
    void this.return();
  };

  #finish(thrown: unknown): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    const error = thrown === undefined ? undefined : FerroliteError.from(thrown, "Internal");
    this.#end ??= { error: error?.code === "Closed" ? undefined : error };
  }
}

/** The call that opens a watch on keys. */
export function watchText(selector: WatchSelector | undefined, options: WatchOptions | undefined): string {
  return `["watchOpen",${selectorText(selector)},${watchOptionsText(options)}]`;
}

function selectorText(selector: WatchSelector | undefined): string {
  if (typeof selector !== "object" || selector === null || !("key" in selector)) return rangeText(selector as Range | undefined);
  plain("InvalidRange", "a watch of one key", selector, ["key"]);
  const key = keyText(selector.key);
  return `{"gte":${key},"lte":${key}}`;
}

function aborted(signal: AbortSignal | undefined): FerroliteError {
  return new FerroliteError("Aborted", "the watch was ended by its signal", { cause: signal?.reason });
}
