/** The methods that few applications call. They are part of the script, so no promise is needed. */
import { blobStream } from "./blob-stream.js";
import { change } from "./generated/validated-patch.js";
import { exportStream } from "./export.js";
import { SyncSnapshot } from "./generated/snapshot.js";
import { storeStream } from "./generated/store-stream.js";
import { transact } from "./generated/transact.js";

const deferred = { blobStream, change, exportStream, SyncSnapshot, storeStream, transact };

/** Returns these methods, and the result of a call. */
export function withDeferred<B>(begun: B, _end: (begun: B) => unknown): [typeof deferred, B] {
  return [deferred, begun];
}
