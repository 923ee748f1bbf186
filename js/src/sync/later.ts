/** What verbs need that few applications call: it is there, where nothing can be waited for. */
import { blobStream } from "./blob-stream.js";
import { change } from "./change.js";
import { exportStream } from "./export.js";
import { SyncSnapshot } from "./snapshot.js";
import { storeStream } from "./store-stream.js";
import { transact } from "./transact.js";

const seldom = { blobStream, change, exportStream, SyncSnapshot, storeStream, transact };

/** All of that, and what a call has come to. */
export function meanwhile<B>(begun: B, _end: (begun: B) => unknown): [typeof seldom, B] {
  return [seldom, begun];
}
