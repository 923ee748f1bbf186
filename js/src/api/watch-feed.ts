/** Continues a watch after it was opened: fetches changes, and opens the watch again at another engine. */
import type { Channel, EngineWatcher } from "../protocol/channel.js";
import { FerroliteError } from "../error.js";
import { aborted, isAborted } from "../arguments/signals.js";
import { progressOf, type WatchProgress } from "./watch-progress.js";
import { quietly } from "../protocol/waiting.js";

/**
 * Sends calls, as JSON text, to an engine that may be another one some day: then the channel's epoch grows, and all of its
 * `watches` are called.
 */
export interface WatchCaller {
  call(text: string): unknown;
  readonly channel: Pick<Channel, "watches" | "epoch">;
}

/** How to ask for what is watched, behind a version if one is given; and what becomes of it. */
export interface Watching {
  readonly open: (since?: number) => string;
  readonly of: "keys" | "rows";
}

/** The number of a watch, the version that it begins behind, and the epoch of the channel that answered. */
export type Opened = readonly [id: number, version: number, epoch: number];

export class WatchFeed<T> implements EngineWatcher {
  readonly #caller: WatchCaller;
  readonly #watching: Watching;
  readonly #signal: AbortSignal | undefined;
  readonly #progress: WatchProgress<T>;
  /** The watch's number, or `undefined` when it could not be opened. */
  #id: Promise<number | undefined>;
  #isOpening = false;
  /** That number, once it is known. */
  #number: number | undefined;
  #rows: T[] = [];
  #position = 0;
  /** Why there is nothing more, once that is so. */
  #end: { error: FerroliteError | undefined } | undefined;
  /** The last `next()`: each waits for the one before. */
  #last: Promise<unknown> = Promise.resolve();

  /** `opened` comes of the call that opens the watch for the first time. */
  constructor(caller: WatchCaller, watching: Watching, signal: AbortSignal | undefined, opened: Promise<Opened>) {
    this.#caller = caller;
    this.#watching = watching;
    this.#signal = signal;
    this.#progress = progressOf[watching.of]() as WatchProgress<T>;
    caller.channel.watches.add(this);
    this.#id = this.#opened(opened);
    if (isAborted(signal)) this.#abort();
    else signal?.addEventListener?.("abort", this.#abort);
  }

  /** What comes next, as soon as there is something. */
  next(): Promise<IteratorResult<T, undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => {});
    return next;
  }

  /** Ends the watch; a `next()` that waits ends with it. */
  async end(): Promise<void> {
    this.#finish(undefined);
    this.#rows = [];
    const id = await this.#id;
    // A database that is being closed has let go of it already.
    if (id !== undefined) await quietly(async () => this.#caller.call(`["watchClose",${id}]`));
  }

  /** Another engine answers, and knows nothing of the watch. One that is being opened is opened there. */
  renewed(): void {
    if (!this.#isOpening) this.#id = this.#opened(this.#openAgain());
  }

  passed(id: number, version: number): void {
    if (id === this.#number) this.#progress.passed(version);
  }

  async #openAgain(): Promise<Opened> {
    const text = this.#watching.open(this.#progress.opens());
    const [id, version] = (await this.#caller.call(text)) as [number, number];
    return [id, version, this.#caller.channel.epoch];
  }

  async #opened(opening: Promise<Opened>): Promise<number | undefined> {
    this.#isOpening = true;
    try {
      let opened = await opening;
      // Another engine answers since then.
      while (opened[2] !== this.#caller.channel.epoch) opened = await this.#openAgain();
      const [id, version] = opened;
      this.#progress.passed(version);
      this.#number = id;
      return id;
    } catch (thrown) {
      this.#finish(thrown);
      return undefined;
    } finally {
      this.#isOpening = false;
    }
  }

  async #next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#position < this.#rows.length) return { done: false, value: this.#rows[this.#position++] as T };
      const id = await this.#id;
      if (this.#end === undefined && id !== undefined) await this.#fetch(id);
      if (this.#end === undefined) continue;
      const { error } = this.#end;
      // The error is thrown once.
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
      this.#rows = this.#progress.rows(answer);
      this.#position = 0;
    } catch (thrown) {
      if (opened === this.#id) this.#finish(thrown);
    }
  }

  readonly #abort = (): void => {
    this.#finish(aborted(this.#signal, "the watch"));
    void this.end();
  };

  #finish(thrown: unknown): void {
    this.#signal?.removeEventListener?.("abort", this.#abort);
    this.#caller.channel.watches.delete(this);
    const error = thrown === undefined ? undefined : FerroliteError.from(thrown, "Internal");
    this.#end ??= { error: error?.code === "Closed" ? undefined : error };
  }
}

/** Delivers all changes of a watch to a subscriber, until the watch ends. */
export async function follow<T>(
  watch: AsyncIterable<T>,
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
