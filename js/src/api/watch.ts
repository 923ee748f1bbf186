/** Watches: changes as they are committed, as an async iterator or by a callback. */
import { absent, keyText, plain, rangeText, watchOptionsText } from "../arguments/check.js";
import { asyncDispose } from "../dispose.js";
import { deferred } from "./load-deferred.js";
import { findable, forwarding } from "../arguments/receivers.js";
import { aborted } from "../arguments/signals.js";
import type { Opened, WatchFeed, WatchCaller, Watching } from "./watch-feed.js";
import type { Range, WatchOptions, WatchSelector } from "../types.js";

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
  /** Continues the watch, which is opened at once. */
  readonly #feed: Promise<WatchFeed<T>>;

  static {
    forwarding(this);
  }

  /** @internal */
  constructor(caller: WatchCaller, watching: Watching, signal?: AbortSignal) {
    findable(this);
    const opened = open(caller, watching, signal);
    const missing = (thrown: unknown) => {
      opened.then(([id]) => caller.call(`["watchClose",${id}]`)).catch(() => {});
      throw thrown;
    };
    this.#feed = deferred().then(({ WatchFeed }) => new WatchFeed<T>(caller, watching, signal, opened), missing);
    for (const promise of [opened, this.#feed]) promise.catch(() => {});
  }

  /** What comes next, as soon as there is something. */
  async next(): Promise<IteratorResult<T, undefined>> {
    return (await this.#feed).next();
  }

  /** Ends the watch; a `next()` that waits ends with it. */
  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#feed.then((feed) => feed.end(), () => {});
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
      if (onEnd === undefined) throw thrown;
      onEnd(thrown);
    };
    void deferred().then(({ follow }) => follow(this, over.signal, onNext, onEnd), failed);
    return () => {
      over.abort();
      void this.return();
    };
  }
}

/** Opens a watch. The call is sent before this returns. */
async function open({ call, channel }: WatchCaller, watching: Watching, signal: AbortSignal | undefined): Promise<Opened> {
  const text = watching.open();
  if (signal?.aborted === true) throw aborted(signal, "the watch");
  const [id, version] = (await call(text)) as [number, number];
  return [id, version, channel.epoch];
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
