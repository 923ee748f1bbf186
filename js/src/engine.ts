/** The engine in a browser's worker: how it is loaded, and how it does things later. */
import { FerroliteError } from "./error.js";
import init from "./ferrolite.js";
import type { Scheduler } from "./session.js";

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

/** Loads the engine; later calls return at once. */
export async function loadEngine(): Promise<void> {
  const url = new URL("./ferrolite_bg.wasm", import.meta.url);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    await init({ module_or_path: response });
  } catch (thrown) {
    throw FerroliteError.from(thrown, "Io", `the engine could not be loaded from ${url}`);
  }
}
