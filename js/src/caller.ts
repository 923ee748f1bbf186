import type { Channel } from "./channel.js";
import { FerroliteError } from "./error.js";
import { ERROR } from "./protocol.js";

/** What the verbs of one open database go by: its channel, until it is closed. */
export class Caller {
  readonly channel: Channel;
  #isClosed = false;

  constructor(channel: Channel) {
    this.channel = channel;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** From now on every call is rejected. */
  close(): void {
    this.#isClosed = true;
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
}

export function closed(): FerroliteError {
  return new FerroliteError("Closed", "the database was closed; open it again with Ferrolite.open");
}
