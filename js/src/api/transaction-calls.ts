/** The calls of a transaction that is under way, whatever collection it is used on. */
import type { Attach } from "../streams/bytes.js";
import { FerroliteError } from "../error.js";

export class Course {
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
    this.#assertGoesOn();
    return this.#call(`["txRead",${this.#id},${call}]`, signal);
  }

  async write(call: string): Promise<void> {
    this.#assertGoesOn();
    await this.#call(`["txWrite",${this.#id},${call}]`);
  }

  async end(verb: "txCommit" | "txRollback"): Promise<void> {
    this.#isOver = true;
    await this.#call(`["${verb}",${this.#id}]`);
  }

  #assertGoesOn(): void {
    if (this.#isOver) {
      const message = "the transaction has ended; await all that it does within the function given to transaction";
      throw new FerroliteError("InvalidTransaction", message);
    }
  }
}
