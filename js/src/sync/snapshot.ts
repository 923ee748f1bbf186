// Made of js/src/snapshot.ts by tools/sync-sources.mjs. Change it there, and run `npm --prefix js run sync`.
/// <reference lib="esnext.disposable" preserve="true" />
import type { Caller } from "./caller.js";
import { rangeText } from "../check.js";
import { type CollectionName, prefixOf, prefixed } from "../names.js";
import { SyncReader } from "./reader.js";
import { forwarding } from "../receivers.js";
import { scan } from "./scan.js";
import { signalOf } from "./signals.js";
import { dispose } from "../dispose.js";
import type { Range, SignalOptions } from "../types.js";

/**
 * The database as it was at one moment, to read from until it is closed. The room of what is overwritten in the meantime
 * is not given back before. One that gets too old, or sees too much written, ends by itself (`snapshotMaxAge` and
 * `snapshotMaxBytes` of `open`): reading from it is `SnapshotTooOld`.
 */
export class SyncSnapshot<D = unknown> extends SyncReader<D> {
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
  collection<C = unknown>(collection: CollectionName<C>): SyncSnapshot<C> {
    return new SyncSnapshot<C>(this.#caller, this.#id, prefixOf(collection));
  }

  /** Goes through a range, a page at a time. A signal breaks it off. */
  *scan<T = D>(range?: Range, options?: SignalOptions): Generator<[key: string, document: T], void, undefined> {
    const call = prefixed(this.#prefix, `["scan",${rangeText(range)}]`);
    yield* scan<T>(this.#caller, `["snapshotScan",${this.#id},${call}]`, signalOf(options, "scan"));
  }

  /** Lets go of what it holds; a second time changes nothing. */
  close(): void {
    if (!this.#caller.isClosed) this.#caller.call(`["snapshotClose",${this.#id}]`);
  }

  /** `using snapshot = db.snapshot()` closes it at the end of the block. */
  [dispose](): void {
    return this.close();
  }
}
