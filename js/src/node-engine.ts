/** The engine in Node, Bun and Deno: how it is loaded, and how it does things later. */
import { readFile } from "node:fs/promises";

import { FerroliteError } from "./error.js";
import init from "./ferrolite.js";
import type { Scheduler } from "./session.js";

/** Work that nobody waits for does not keep the process alive. */
export const scheduler: Scheduler = {
  soon(work, keepAlive) {
    const immediate = setImmediate(work);
    if (!keepAlive) immediate.unref();
  },
  later(work, milliseconds) {
    const timer = setTimeout(work, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

let engine: Promise<unknown> | undefined;

/** Loads the engine, once. */
export function loadEngine(): Promise<unknown> {
  const url = new URL("./ferrolite_bg.wasm", import.meta.url);
  engine ??= readFile(url)
    .then((bytes) => init({ module_or_path: bytes }))
    .catch((thrown: unknown) => {
      engine = undefined;
      throw FerroliteError.from(thrown, "Io", `the engine could not be loaded from ${url}`);
    });
  return engine;
}
