// Made of js/src/course.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
/** The calls of a transaction that is under way, whatever collection it is used on. */
import type { Attach } from "./bytes.js";
import { FerroliteError } from "../error.js";

export class Course {
  readonly #id: number;
  readonly #call: (text: string, signal?: AbortSignal) => unknown;
  readonly attach: Attach;
  #isOver = false;

  constructor(id: number, call: (text: string, signal?: AbortSignal) => unknown, attach: Attach) {
    this.#id = id;
    this.#call = call;
    this.attach = attach;
  }

  read(call: string, signal?: AbortSignal): unknown {
    this.#assertGoesOn();
    return this.#call(`["txRead",${this.#id},${call}]`, signal);
  }

  write(call: string): void {
    this.#assertGoesOn();
    this.#call(`["txWrite",${this.#id},${call}]`);
  }

  end(verb: "txCommit" | "txRollback"): void {
    this.#isOver = true;
    this.#call(`["${verb}",${this.#id}]`);
  }

  #assertGoesOn(): void {
    if (this.#isOver) {
      const message = "the transaction has ended; await all that it does within the function given to transaction";
      throw new FerroliteError("InvalidTransaction", message);
    }
  }
}
