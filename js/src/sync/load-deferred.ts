/** What verbs need that few applications call: it is there, where nothing can be waited for. */
import { blobStream } from "./blob-stream.js";
import { change } from "./generated/validated-patch.js";
import { exportStream } from "./export.js";
import { SyncSnapshot } from "./generated/snapshot.js";
import { storeStream } from "./generated/store-stream.js";
import { transact } from "./generated/transact.js";

const seldom = { blobStream, change, exportStream, SyncSnapshot, storeStream, transact };

/** All of that, and what a call has come to. */
export function meanwhile<B>(begun: B, _end: (begun: B) => unknown): [typeof seldom, B] {
  return [seldom, begun];
}
