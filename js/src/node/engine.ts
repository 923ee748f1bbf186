/** The engine in Node, Bun and Deno: how it is loaded, and how it does things later. */
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { FerroliteError } from "../error.js";
import init from "../protocol/ferrolite.js";
import type { Loading } from "../arguments/loading.js";
import type { Scheduler } from "../protocol/session.js";
import { clearTimeout, setImmediate, setTimeout } from "./timers.js";

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
export function loadEngine({ wasm }: Loading = {}): Promise<unknown> {
  if (engine !== undefined) return engine;
  const source = wasm ?? new URL("./ferrolite_bg.wasm", import.meta.url).href;
  engine = bytesOf(source)
    .then((module_or_path) => init({ module_or_path }))
    .catch((thrown: unknown) => {
      engine = undefined;
      const from = typeof source === "string" ? ` from ${source}` : "";
      throw FerroliteError.from(thrown, "Io", `the engine could not be loaded${from}`);
    });
  return engine;
}

async function bytesOf(source: string | WebAssembly.Module): Promise<BufferSource | WebAssembly.Module> {
  if (typeof source !== "string") return source;
  if (source.startsWith("file:")) return readFile(new URL(source));
  const response = await fetch(source);
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.arrayBuffer();
}

/** What addresses in options are relative to. */
export const base = (): string => pathToFileURL(`${process.cwd()}/`).href;
