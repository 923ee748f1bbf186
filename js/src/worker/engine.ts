/** The engine in a browser's worker: how it is loaded, and how it does things later. */
import { FerroliteError } from "../error.js";
import init from "../protocol/ferrolite.js";
import { fetched, followBy, RestMissing } from "../protocol/rest.js";
import type { Scheduler } from "../protocol/session.js";
import type { EngineFiles } from "../tabs/messages.js";
import { clearTimeout, MessageChannel, setTimeout } from "../protocol/timers.js";
import { type WasmSource, wasmSource } from "./wasm-source.js";

/** A message to oneself waits its turn among the messages of the page; a timeout would wait 4 ms and longer. */
export function scheduler(): Scheduler {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return {
    soon(work) {
      waiting.push(work);
      port2.postMessage(undefined);
    },
    later(work, milliseconds) {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}

/** What the page has said in place of the wasm beside the package. */
let given: WasmSource | undefined;

/** Takes the address of the wasm, or the compiled module, for when it is loaded; and the rest where it is in two parts. */
export function setEngine(wasm: string | WebAssembly.Module, rest?: WebAssembly.Module): void {
  given = { wasm, rest };
}

/** Where this worker and its engine have come from; `undefined` if that is not for others. */
export function engineFiles(): EngineFiles | undefined {
  const { protocol, href } = globalThis.location;
  if (!/^https?:$/.test(protocol)) return undefined;
  const { wasm, rest } = given ?? wasmSource();
  const address = (source: unknown) => (typeof source === "string" ? source : undefined);
  return { script: href, wasm: address(wasm), rest: address(rest) };
}

/**
 * Calls `report` if the engine stops while it opens a file. No promise settles then: the engine's exception ends a task of the
 * host, and arrives as an event.
 */
export function onStop(report: (thrown: unknown) => void): void {
  globalThis.addEventListener("error", ({ error }) => {
    if (error instanceof RestMissing || error instanceof WebAssembly.RuntimeError) report(error);
  });
}

/** How long the first calls are left to themselves: compiling the rest takes the time of two processors. */
const REST_MS = 100;

/** The rest of the engine, on its way. */
let following: Promise<void> | undefined;

/**
 * Loads the engine; later calls return at once. What it begins with is there then, and the rest comes behind it; all of it with
 * `whole`, as for pages, which cannot wait in the middle of a call.
 */
export async function loadEngine(whole = false): Promise<void> {
  const { wasm, rest } = given ?? wasmSource();
  try {
    const first = await init({ module_or_path: typeof wasm === "string" ? await fetched(wasm) : wasm });
    if (rest !== undefined) following ??= followBy(rest, first, whole ? 0 : REST_MS);
    // When this fails, it is tried again by whoever needs the rest.
    following?.catch(() => (following = undefined));
    if (whole) await following;
  } catch (thrown) {
    const from = typeof wasm === "string" ? ` from ${wasm}` : "";
    // The browser has no address space for the engine's memory.
    const code = thrown instanceof RangeError ? "TooManyOpen" : "Io";
    throw FerroliteError.from(thrown, code, `the engine could not be loaded${from}`);
  }
}
