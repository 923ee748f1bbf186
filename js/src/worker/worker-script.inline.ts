/** The worker's script as text within this one: `tools/package/bundle-js.mjs` puts it here. */
import script from "inline:worker";

import { makeTrusted } from "../tabs/trusted-types.js";

/** Made once, for it is a megabyte; all databases of the page start from it. */
let address: string | undefined;

export function makeWorker(): Worker {
  address ??= URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const url = address;
  return makeTrusted("Worker", () => new Worker(url));
}
