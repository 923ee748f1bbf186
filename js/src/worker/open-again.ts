/** Opening a database after it could not be opened as usual: in another way, if there is one. Loaded after a failure. */
import { FerroliteError } from "../error.js";
import type { Loading } from "../arguments/loading.js";
import type * as Opening from "./opening.js";
import { isRefused } from "../storage/capabilities.js";
import { setTimeout } from "../protocol/timers.js";
import { explained } from "./too-many-open.js";

/** Pauses before another attempt: the browser ends the worker of a closed database, and releases its memory, a while later. */
const PAUSES_MS = [100, 400];

/**
 * Opens a database after the attempt that ended with `thrown`. A context that refuses locks or channels shares no files, so the
 * worker opens the database alone, or reports what this context lacks. Throws if no other way exists.
 */
export async function openAgain(opening: typeof Opening, thrown: unknown, how: Opening.How): Promise<Opening.Opened> {
  const { open, openAlone, makeWorker } = opening;
  const [name, options, encryption, loading] = how;
  const alone = () => openAlone(name, options, encryption, anywhere(loading, makeWorker));
  try {
    const { code } = thrown as Partial<FerroliteError>;
    // Firefox reports a worker that an opaque origin must not start as a script that does not load.
    if (isRefused(thrown) || (code === "Io" && isOpaque())) return await alone();
    if (code === "TooManyOpen") return await afterPauses(() => open(...how), thrown);
    if (code === "Unsupported" && options.allowMemory === true && options.storage !== "memory") return await alone();
    throw thrown;
  } catch (again) {
    throw explained(again);
  }
}

/** Repeats `work` as long as too many databases are open. */
async function afterPauses<T>(work: () => Promise<T>, thrown: unknown): Promise<T> {
  let last = thrown;
  for (const pauseMs of PAUSES_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      return await work();
    } catch (again) {
      if ((again as Partial<FerroliteError>).code !== "TooManyOpen") throw again;
      last = again;
    }
  }
  throw last;
}

/**
 * Returns options about loading by which a worker also starts in an opaque origin. Such an origin must not start a worker from
 * the address of a script, but from a text that imports the script.
 */
export function anywhere(loading: Loading, makeWorker: () => Worker): Loading {
  if (!isOpaque()) return loading;
  return { ...loading, makeWorker: () => importing(loading.makeWorker ?? makeWorker) };
}

/** True in a sandboxed frame, and in a page from the disk. */
const isOpaque = () => globalThis.origin === "null";

/** Starts a worker by `make`, whose `Worker` imports the script of the address that it is given. */
function importing(make: () => Worker): Worker {
  const { Worker: original } = globalThis;
  globalThis.Worker = class extends original {
    constructor(address: string | URL, options?: WorkerOptions) {
      super(options?.type === "module" ? importOf(address) : address, options);
    }
  };
  try {
    return make();
  } finally {
    globalThis.Worker = original;
  }
}

/** Returns the address of a module that imports the script. Chromium refuses modules of blobs in an opaque origin. */
function importOf(address: string | URL): string {
  return `data:text/javascript,${encodeURIComponent(`import ${JSON.stringify(String(address))}`)}`;
}
