/** Where the broker's script is. The inline build has `broker-script.inline.ts` in its place. */

import { makeTrusted } from "./trusted-types.js";

/** Bundlers look for this very expression: they build the script, and put its address here. */
export function makeBroker(): SharedWorker | undefined {
  return makeTrusted("SharedWorker", () => new SharedWorker(new URL("./broker.js", import.meta.url), { type: "module", name: "ferrolite" }));
}
