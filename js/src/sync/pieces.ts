/** Bytes that are read as they are asked for, where `Ferrolite` has a stream. */
import { dispose } from "../dispose.js";
import { assertGoesOn } from "../arguments/signals.js";

/** What bytes are read by. */
interface Source<T> {
  /** The next of them; `undefined` behind the last ones. */
  read(): T | undefined;
  /** Lets go of what is left. */
  close(): void;
}

/** It lets go of its source at the end, by `return()`, as a loop that is broken off calls it, and when reading fails. */
export class Pieces<T> implements IterableIterator<T, undefined, undefined> {
  readonly #source: Source<T>;
  readonly #signal: AbortSignal | undefined;
  readonly #verb: string;
  #isOver = false;

  constructor(source: Source<T>, signal: AbortSignal | undefined, verb: string) {
    this.#source = source;
    this.#signal = signal;
    this.#verb = verb;
  }

  next(): IteratorResult<T, undefined> {
    if (this.#isOver) return { done: true, value: undefined };
    try {
      assertGoesOn(this.#signal, this.#verb);
      const value = this.#source.read();
      return value === undefined ? this.return() : { done: false, value };
    } catch (thrown) {
      this.return();
      throw thrown;
    }
  }

  return(): IteratorReturnResult<undefined> {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#source.close();
    }
    return { done: true, value: undefined };
  }

  [dispose](): void {
    this.return();
  }

  [Symbol.iterator](): this {
    return this;
  }
}
