import { closed } from "../protocol/caller.js";
import { type Channel, valueOf } from "./channel.js";

/** What the verbs of one open database go by: its channel, until it is closed. */
export class Caller {
  readonly channel: Channel;
  readonly #release: () => unknown;
  #isClosed = false;

  constructor(channel: Channel, release: () => unknown) {
    this.channel = channel;
    this.#release = release;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Closes the database; a second time changes nothing. From now on every call throws. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.channel.request({ kind: "close" });
    } finally {
      this.#release();
      this.channel.fail(closed());
    }
  }

  assertOpen(): void {
    if (this.#isClosed) throw closed();
  }

  /** What was waited for is there. */
  hold<T>(there: T): T {
    return there;
  }

  /** The value of one call; a promise of it when it waits for something to happen. It is answered before a signal can come. */
  call(text: string, _signal?: AbortSignal): unknown {
    this.assertOpen();
    const result = this.channel.call(text);
    return "then" in result ? result.then(valueOf) : valueOf(result);
  }
}
