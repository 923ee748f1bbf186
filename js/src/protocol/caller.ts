import type { Channel } from "./channel.js";
import { FerroliteError } from "../error.js";
import { ERROR } from "./protocol.js";
import { isAborted } from "../arguments/signals.js";

/** What the verbs of one open database go by: its channel, until it is closed. */
export class Caller {
  readonly channel: Channel;
  readonly #release: () => unknown;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #held: Promise<unknown> | undefined;

  /** `release` lets go of what is behind the channel, once it is closed. */
  constructor(channel: Channel, release: () => unknown) {
    this.channel = channel;
    this.#release = release;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Closes the database, once what was called before is answered. From now on every call is rejected. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  assertOpen(): void {
    if (this.#isClosed) throw closed();
  }

  /** What has to come before a call can be sent, which was made: closing waits for it. */
  hold<T>(coming: Promise<T>): Promise<T> {
    this.#held = coming.catch(() => {});
    return coming;
  }

  /**
   * Sends one call, which a signal takes out of the queue. It throws when it resumes, so that the error's stack leads to who made
   * the call.
   */
  async call(text: string, signal?: AbortSignal): Promise<unknown> {
    this.assertOpen();
    let result;
    try {
      result = await this.channel.call(text, signal);
    } catch (thrown) {
      const error = FerroliteError.from(thrown, "Internal");
      if (isAborted(signal) && error.code === "Aborted") throw error;
      throw new FerroliteError(error.code, error.message, { cause: error.cause });
    }
    if (result[0] === ERROR) throw FerroliteError.from(result[1], "Internal");
    return result[1];
  }

  async #close(): Promise<void> {
    try {
      if (this.#held !== undefined) await this.#held;
      await this.channel.request({ kind: "close" });
    } finally {
      this.channel.fail(closed());
      await this.#release();
    }
  }
}

export function closed(): FerroliteError {
  return new FerroliteError("Closed", "the database was closed; open it again with Ferrolite.open");
}
