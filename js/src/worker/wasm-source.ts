/** Where a worker finds the wasm when no option says it. The inline build has `wasm-source.inline.ts` in its place. */

/** A wasm by its address, as it was fetched, or compiled; in two parts when there is a `rest`. */
export interface WasmSource {
  readonly wasm: string | Response | WebAssembly.Module;
  readonly rest?: string | WebAssembly.Module | undefined;
}

/** Bundlers look for these very expressions. */
export const wasmSource = (): WasmSource => ({
  wasm: new URL("./ferrolite_first.wasm", import.meta.url).href,
  rest: new URL("./ferrolite_rest.wasm", import.meta.url).href,
});
