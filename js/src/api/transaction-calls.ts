/** Makes the calls of a transaction that has begun, on all of its collections. */
import type { Attach } from "../streams/bytes.js";
import { FerroliteError } from "../error.js";

export class TransactionCalls {
  readonly #id: number;
  readonly #call: (text: string, signal?: AbortSignal) => Promise<unknown>;
  readonly attach: Attach;
  #isOver = false;

  constructor(id: number, call: (text: string, signal?: AbortSignal) => Promise<unknown>, attach: Attach) {
    this.#id = id;
    this.#call = call;
    this.attach = attach;
  }

  async read(call: string, signal?: AbortSignal): Promise<unknown> {
    this.#assertOpen();
    return this.#call(`["txRead",${this.#id},${call}]`, signal);
  }

  async write(call: string): Promise<void> {
    this.#assertOpen();
    await this.#call(`["txWrite",${this.#id},${call}]`);
  }

  async end(verb: "txCommit" | "txRollback"): Promise<void> {
    this.#isOver = true;
    await this.#call(`["${verb}",${this.#id}]`);
  }

  #assertOpen(): void {
    if (this.#isOver) {
      const message = "the transaction has ended; await all that it does within the function given to transaction";
      throw new FerroliteError("InvalidTransaction", message);
    }
  }
}
