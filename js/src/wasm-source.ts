/** Where a worker finds the wasm when no option says it. The inline build has `wasm-source.inline.ts` in its place. */
import type { WasmSource } from "./engine.js";

/** Bundlers look for these very expressions. */
export const wasmSource = (): WasmSource => ({
  wasm: new URL("./ferrolite_first.wasm", import.meta.url).href,
  rest: new URL("./ferrolite_rest.wasm", import.meta.url).href,
});
