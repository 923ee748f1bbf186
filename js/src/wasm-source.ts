/** Where a worker finds the wasm when no option says it. The inline build has `wasm-source.inline.ts` in its place. */

/** Bundlers look for this very expression. */
export const wasmSource = (): string => new URL("./ferrolite_bg.wasm", import.meta.url).href;
