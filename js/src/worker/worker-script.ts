/** Where the worker's script is. The inline build has `worker-script.inline.ts` in its place. */

import { makeTrusted } from "../tabs/trusted-types.js";

/** Bundlers look for this very expression: they build the script, and put its address here. */
export function makeWorker(): Worker {
  return makeTrusted("Worker", () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
}
