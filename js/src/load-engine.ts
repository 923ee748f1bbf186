/** Loads the engine in a worker. */
import { FerroliteError } from "./error.js";
import init from "./ferrolite.js";
import { wasmSource } from "./wasm-source.js";

/** What the page has said in place of the wasm beside the package. */
let given: string | WebAssembly.Module | undefined;

/** Takes the address of the wasm, or the compiled module, for when it is loaded. */
export function setEngine(wasm: string | WebAssembly.Module): void {
  given = wasm;
}

export async function loadEngine(): Promise<void> {
  const source = given ?? wasmSource();
  try {
    await init({ module_or_path: typeof source === "string" ? await fetched(source) : source });
  } catch (thrown) {
    const from = typeof source === "string" ? ` from ${source}` : "";
    throw FerroliteError.from(thrown, "Io", `the engine could not be loaded${from}`);
  }
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (response.ok) return response;
  throw new Error(`the server answered ${response.status}`);
}
