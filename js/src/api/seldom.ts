/** The script with methods that few applications call at once. `later.ts` loads it. */
export { blobStream } from "../streams/blob-stream.js";
export { change } from "./change.js";
export { exportStream } from "../streams/export.js";
export { keyMaterial } from "../arguments/key-material.js";
export { transact } from "./transact.js";
export { follow, Telling } from "./telling.js";
export { Snapshot } from "./snapshot.js";
export { storeStream } from "./store-stream.js";
