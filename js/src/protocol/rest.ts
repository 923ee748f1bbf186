/** The rest of the engine, which is loaded behind the part with which programs begin (`tools/split-engine.sh`). */
import { setTimeout } from "./timers.js";

/** What stops an engine that needs the rest where there is none. */
export class RestMissing extends Error {}

let load = (): void => {};
let isThere = true;

/** True if there is nothing more to load. */
export const isWhole = (): boolean => isThere;

/** The first part calls this when it needs a function that it does not have. A whole engine never does. */
export function loadRest(): void {
  load();
}

/** Loads the rest after a while, and at once when it is needed before; returns when it is there. */
export async function followBy(address: string | WebAssembly.Module, first: WebAssembly.Exports, waitMs: number): Promise<void> {
  isThere = false;
  load = () => {
    if (isThere) return;
    new WebAssembly.Instance(typeof address === "string" ? fetchNow(address) : address, { first });
    isThere = true;
  };
  if (typeof address !== "string") return load();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (isThere) return;
  const rest = await WebAssembly.compile(await (await fetched(address)).arrayBuffer());
  // Twice does no harm: it puts the same functions into the same places.
  if (!isThere) await WebAssembly.instantiate(rest, { first });
  isThere = true;
}

/** What a server answers, unless it is an error. */
export async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (response.ok) return response;
  throw new Error(`the server answered ${response.status}`);
}

/** The engine stands still in the middle of a call meanwhile: what cannot be answered by a promise. */
function fetchNow(address: string): WebAssembly.Module {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.responseType = "arraybuffer";
  let cause;
  try {
    request.send();
    // A server may answer with a page of the application in place of a missing file.
    if (request.status === 200) return new WebAssembly.Module(request.response as ArrayBuffer);
    cause = new Error(`the server answered ${request.status}`);
  } catch (thrown) {
    cause = thrown;
  }
  throw new RestMissing(`the rest of the engine could not be loaded from ${address}: ${(cause as Error).message}`, { cause });
}
