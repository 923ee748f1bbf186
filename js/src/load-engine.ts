/** Loads the engine in a worker. */
import { FerroliteError } from "./error.js";
import init from "./ferrolite.js";
import { followBy } from "./rest.js";
import { wasmSource } from "./wasm-source.js";

/** A wasm by its address, as it was fetched, or compiled; in two parts when there is a `rest`. */
export interface WasmSource {
  readonly wasm: string | Response | WebAssembly.Module;
  readonly rest?: string;
}

/** What the page has said in place of the wasm beside the package. */
let given: WasmSource | undefined;

/** Takes the address of the wasm, or the compiled module, for when it is loaded. */
export function setEngine(wasm: string | WebAssembly.Module): void {
  given = { wasm };
}

export async function loadEngine(): Promise<void> {
  const { wasm, rest } = given ?? wasmSource();
  try {
    const first = await init({ module_or_path: typeof wasm === "string" ? await fetched(wasm) : wasm });
    if (rest !== undefined) followBy(rest, first);
  } catch (thrown) {
    const from = typeof wasm === "string" ? ` from ${wasm}` : "";
    throw FerroliteError.from(thrown, "Io", `the engine could not be loaded${from}`);
  }
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (response.ok) return response;
  throw new Error(`the server answered ${response.status}`);
}
