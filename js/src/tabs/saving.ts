/** Saves what is not answered, from the moment when a page goes away until it is back and all is answered. */
import type { SessionRequest } from "../protocol/protocol.js";
import { Date } from "../protocol/timers.js";
import type { Outbox, Saver } from "./outbox.js";

/** How long others may take to send what this page has saved and has sent itself since. */
const SAVED_MS = 600_000;

export class Saving implements Saver {
  readonly #write: (requests: readonly SessionRequest[]) => void;
  /** The first request that was ever saved, and when requests were saved last. */
  #saved: { readonly from: number; readonly ms: number } | undefined;
  #isAway = false;
  /** True if the page is back, and what was saved is not answered yet. */
  #isBack = false;

  constructor(write: (requests: readonly SessionRequest[]) => void) {
    this.#write = write;
  }

  get isLeaving(): boolean {
    return this.#isAway && !this.#isBack;
  }

  get savedFrom(): number {
    if (!this.#isAway && Date.now() - (this.#saved?.ms ?? 0) > SAVED_MS) this.#saved = undefined;
    return this.#saved?.from ?? Infinity;
  }

  /** The page goes away. */
  leave(outbox: Outbox): void {
    this.#isAway = true;
    this.#isBack = false;
    this.save(outbox);
  }

  /** The page is back. What was saved is taken out when it is answered. */
  comeBack(outbox: Outbox): void {
    this.#isBack = true;
    this.save(outbox);
  }

  save(outbox: Outbox): void {
    if (!this.#isAway) return;
    outbox.sent();
    const { requests } = outbox;
    const [first] = requests;
    if (first !== undefined) this.#saved = { from: Math.min(first.id, this.#saved?.from ?? first.id), ms: Date.now() };
    this.#write(requests);
    if (this.#isBack && first === undefined) this.#isAway = false;
  }
}
