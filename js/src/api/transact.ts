/** Transactions by a function: it is run, what it wrote is committed, and it is run again when others were in its way. */
import { ActiveTransaction } from "./active-transaction.js";
import type { Caller } from "../protocol/caller.js";
import { TransactionCalls } from "./transaction-calls.js";
import { FerroliteError } from "../error.js";
import { abortable, assertGoesOn } from "../arguments/signals.js";
import { performance } from "../protocol/timers.js";
import { outcome, pause, quietly } from "../protocol/waiting.js";

/** The number of a transaction that has begun, and the epoch of the channel at that moment. */
export type Begun = readonly [id: number, epoch: number];

/** What `db.transaction` does once its first attempt has begun. `begin` begins another one. */
export async function transact<R>(
  caller: Caller,
  first: Begun,
  begin: () => Promise<Begun>,
  work: (tx: ActiveTransaction) => R | PromiseLike<R>,
  retries: number,
  signal: AbortSignal | undefined,
): Promise<R> {
  const { channel } = caller;
  let begun = first;
  let startMs = performance.now();
  for (let attempt = 0; ; attempt++) {
    const [id, epoch] = begun;
    const calls = new TransactionCalls(id, (text, queued) => caller.call(text, queued), channel.attach);
    let isDone = false;
    try {
      const result = await abortable(outcome(work(ActiveTransaction.begun(calls))), signal, "transaction");
      isDone = true;
      await calls.end("txCommit");
      return result;
    } catch (thrown) {
      // A database that is being closed ends it itself.
      if (!isDone) await quietly(() => calls.end("txRollback"));
      // What `work` throws is its own, unless the engine that knew of the transaction is gone.
      const isOver = isDone || epoch !== channel.epoch;
      if (attempt >= retries || !isOver || !isOutdated(thrown)) throw thrown;
    }
    await pause(attempt, performance.now() - startMs);
    assertGoesOn(signal, "transaction");
    startMs = performance.now();
    begun = await begin();
  }
}

/** True if a commit was refused because of others: it may succeed when it is repeated. */
function isOutdated(thrown: unknown): boolean {
  return thrown instanceof FerroliteError && (thrown.code === "Conflict" || thrown.code === "SnapshotTooOld");
}
