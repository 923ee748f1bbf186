/** Starts the worker of a database, and sees to what keeps it from starting. */
import { Channel } from "../protocol/channel.js";
import { FerroliteError } from "../error.js";
import type { Loading } from "../arguments/loading.js";
import type { Request, Response } from "../protocol/protocol.js";
import { forget } from "../storage/eviction.js";
import type { Kept } from "../tabs/kept-files.js";
import { makeWorker } from "./worker-script.js";

const WHAT_TO_DO = 'see docs/packaging.md; import "ferrolite/inline" needs no files beside the script';

/** A worker for one database, and the channel to it. It is started from `kept` where that is given. */
export function startWorker(name: string, loading: Loading, kept?: Kept): { worker: Worker; channel: Channel } {
  const worker = begin(loading, kept);
  const channel = new Channel((request, transfer) => worker.postMessage(request, transfer));
  worker.onmessage = ({ data }: MessageEvent<Response>) => {
    channel.receive(data);
    if (!("fatal" in data)) return;
    worker.terminate();
    if (data.fatal.code === "Evicted") forget(name);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    // An engine that stops says so itself. Another error in its thread is not its end.
    if (channel.isLoaded) return;
    const why =
      event.message || `its script could not be loaded: is worker.js served as JavaScript, and does the page's policy allow it? (${WHAT_TO_DO})`;
    channel.fail(new FerroliteError("Io", `the database's worker failed: ${why}`));
    worker.terminate();
  };
  const wasm = kept?.wasm ?? loading.wasm;
  if (wasm !== undefined) worker.postMessage({ kind: "engine", id: 0, wasm, rest: kept?.rest } satisfies Request);
  return { worker, channel };
}

function begin(loading: Loading, kept: Kept | undefined): Worker {
  if (loading.makeWorker === undefined && typeof Worker === "undefined") {
    throw new FerroliteError("Unsupported", "there are no workers here; open the database in a page or a worker");
  }
  try {
    if (kept !== undefined) return new Worker(kept.script, { type: "module" });
    return (loading.makeWorker ?? makeWorker)();
  } catch (thrown) {
    throw FerroliteError.from(thrown, "Unsupported", `the database's worker cannot be started (${WHAT_TO_DO})`);
  }
}
