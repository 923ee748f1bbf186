import type { Channel } from "./channel.js";
import { FerroliteError } from "./error.js";
import { ERROR } from "./protocol.js";

/** What the verbs of one open database go by: its channel, until it is closed. */
export class Caller {
  readonly channel: Channel;
  readonly #release: () => unknown;
  #isClosed = false;
  #closing: Promise<void> | undefined;

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

  /** Sends one call. It throws when it resumes, so that the error's stack leads to who made the call. */
  async call(text: string): Promise<unknown> {
    this.assertOpen();
    let result;
    try {
      result = await this.channel.call(text);
    } catch (thrown) {
      const error = FerroliteError.from(thrown, "Internal");
      throw new FerroliteError(error.code, error.message, { cause: error.cause });
    }
    if (result[0] === ERROR) throw FerroliteError.from(result[1], "Internal");
    return result[1];
  }

  async #close(): Promise<void> {
    try {
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
