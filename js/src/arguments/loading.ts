/** The options that say where the engine and its worker come from. The engine itself never sees them. */
import { FerroliteError } from "../error.js";
import { kindOf } from "../brand.js";
import type { LoadOptions } from "../types.js";

/** What these options come to: whatever is not said is found beside the package. */
export interface Loading {
  /** The address of the wasm, or the compiled module. */
  readonly wasm?: string | WebAssembly.Module;
  readonly makeWorker?: () => Worker;
}

/** Workers that were given themselves, and have a database: each serves one. */
const taken = new WeakSet<object>();

/**
 * Takes the options about loading out of others; throws unless they can be used. Addresses are relative to `base`; where the
 * engine runs in process, `hasWorkers` is false.
 */
export function splitLoading<O extends LoadOptions>(
  options: O,
  base: string | undefined,
  hasWorkers = true,
): { loading: Loading; rest: Omit<O, keyof LoadOptions> } {
  const { wasmUrl, wasmModule, worker, ...rest } = options;
  if (wasmUrl !== undefined && wasmModule !== undefined) {
    throw new FerroliteError("InvalidOptions", "wasmUrl and wasmModule are two ways to say the same; give one of them");
  }
  const wasm = wasmModule === undefined ? address(wasmUrl, base) : compiled(wasmModule);
  const makeWorker = worker === undefined ? undefined : maker(worker, hasWorkers);
  return { loading: { ...(wasm === undefined ? {} : { wasm }), ...(makeWorker === undefined ? {} : { makeWorker }) }, rest };
}

function address(wasmUrl: unknown, base: string | undefined): string | undefined {
  if (wasmUrl === undefined) return undefined;
  if (typeof wasmUrl === "string" || kindOf(wasmUrl) === "URL") {
    try {
      return new URL(String(wasmUrl), base).href;
    } catch {
      // It is told below.
    }
  }
  throw new FerroliteError("InvalidOptions", `wasmUrl is the address of ferrolite_bg.wasm, a string or a URL, not ${String(wasmUrl)}`);
}

function compiled(wasmModule: unknown): WebAssembly.Module {
  // Also one of another realm, which `instanceof` does not know.
  if (kindOf(wasmModule) === "WebAssembly.Module") return wasmModule as WebAssembly.Module;
  throw new FerroliteError("InvalidOptions", "wasmModule is a WebAssembly.Module, as WebAssembly.compileStreaming gives it");
}

function maker(worker: unknown, hasWorkers: boolean): () => Worker {
  if (!hasWorkers) {
    throw new FerroliteError("InvalidOptions", "the option worker is for browsers; here the engine runs in process");
  }
  if (typeof worker === "function") return () => assertWorker((worker as () => unknown)());
  const given = assertWorker(worker);
  return () => {
    if (taken.has(given)) {
      throw new FerroliteError("InvalidOptions", "this Worker has had its database; give a function that makes a Worker");
    }
    taken.add(given);
    return given;
  };
}

function assertWorker(worker: unknown): Worker {
  const { postMessage, terminate } = (typeof worker === "object" && worker !== null ? worker : {}) as Partial<Worker>;
  if (typeof postMessage === "function" && typeof terminate === "function") return worker as Worker;
  throw new FerroliteError("InvalidOptions", "worker is a Worker that runs worker.js of this package, or a function that makes one");
}
