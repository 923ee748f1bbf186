/** The wasm within the worker's script: `tools/package/bundle-js.mjs` puts it here, compressed, as base64. */
import { FerroliteError } from "../error.js";
import text from "inline:wasm";
import type { WasmSource } from "./wasm-source.js";

export function wasmSource(): WasmSource {
  if (typeof DecompressionStream === "undefined") {
    throw new FerroliteError("Unsupported", "this browser has no DecompressionStream; it is older than the engine can run in");
  }
  // A policy of the page may forbid to fetch a data URL.
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const wasm = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return { wasm: new Response(wasm, { headers: { "content-type": "application/wasm" } }) };
}
