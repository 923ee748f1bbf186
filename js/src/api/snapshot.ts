/// <reference lib="esnext.disposable" preserve="true" />
import type { Caller } from "../protocol/caller.js";
import { rangeText } from "../arguments/check.js";
import { type CollectionName, prefixOf, prefixed } from "../arguments/names.js";
import { Reader } from "./reader.js";
import { forwarding } from "../arguments/receivers.js";
import { scan } from "./scan.js";
import { signalOf } from "../arguments/signals.js";
import { asyncDispose } from "../dispose.js";
import type { Range, SignalOptions } from "../types.js";

/**
 * The database as it was at one moment, to read from until it is closed. The room of what is overwritten in the meantime
 * is not given back before. One that gets too old, or sees too much written, ends by itself (`snapshotMaxAge` and
 * `snapshotMaxBytes` of `open`): reading from it is `SnapshotTooOld`.
 */
export class Snapshot<D = unknown> extends Reader<D> {
  readonly #caller: Caller;
  readonly #id: number;
  readonly #prefix: string;

  static {
    forwarding(this);
  }

  /** @internal */
  constructor(caller: Caller, id: number, prefix: string) {
    super((call, signal) => caller.call(`["snapshotRead",${id},${prefixed(prefix, call)}]`, signal));
    this.#caller = caller;
    this.#id = id;
    this.#prefix = prefix;
  }

  /** The same snapshot of another collection. It ends with this one. */
  collection<C = unknown>(collection: CollectionName<C>): Snapshot<C> {
    return new Snapshot<C>(this.#caller, this.#id, prefixOf(collection));
  }

  /** Goes through a range, a page at a time. A signal breaks it off. */
  async *scan<T = D>(range?: Range, options?: SignalOptions): AsyncGenerator<[key: string, document: T], void, undefined> {
    const call = prefixed(this.#prefix, `["scan",${rangeText(range)}]`);
    yield* scan<T>(this.#caller, `["snapshotScan",${this.#id},${call}]`, signalOf(options, "scan"));
  }

  /** Lets go of what it holds; a second time changes nothing. */
  async close(): Promise<void> {
    if (!this.#caller.isClosed) await this.#caller.call(`["snapshotClose",${this.#id}]`);
  }

  /** `await using snapshot = await db.snapshot()` closes it at the end of the block. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}
