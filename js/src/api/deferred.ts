/** The script with the methods that few applications call at once. `load-deferred.ts` loads it. */
export { blobStream } from "../streams/blob-stream.js";
export { change } from "./validated-patch.js";
export { exportStream } from "../streams/export.js";
export { keyMaterial } from "../arguments/key-material.js";
export { transact } from "./transact.js";
export { follow, WatchFeed } from "./watch-feed.js";
export { Snapshot } from "./snapshot.js";
export { storeStream } from "./store-stream.js";
