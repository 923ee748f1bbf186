/**
 * The files of the engine, kept by each tab that may have to start one: the network may be gone by then, and so may the files,
 * because a new version of the application was deployed.
 */
import type { EngineFiles } from "./messages.js";

/** What an engine can be started from without the network. */
export interface Kept {
  /** The address of the worker's script, of this page's own. */
  readonly script: string;
  readonly wasm: WebAssembly.Module | undefined;
  readonly rest: WebAssembly.Module | undefined;
}

/** The files that were fetched, by their address; all databases of the page share them. */
const blobs = new Map<string, Promise<Blob | undefined>>();

/** Fetches the files, out of the browser's cache if they are there. */
export function keep(files: EngineFiles): void {
  for (const address of [files.script, files.wasm, files.rest]) if (address !== undefined) void fetched(address);
}

/** What to start an engine from; `undefined` if a file is missing. */
export async function keptOf(files: EngineFiles): Promise<Kept | undefined> {
  const [script, wasm, rest] = await Promise.all([files.script, files.wasm, files.rest].map((address) => address && fetched(address)));
  const isMissing = (address: string | undefined, blob: unknown) => address !== undefined && blob === undefined;
  if (!script || isMissing(files.wasm, wasm) || isMissing(files.rest, rest)) return undefined;
  const compiled = async (blob: Blob | "" | undefined) => (blob ? WebAssembly.compile(await blob.arrayBuffer()) : undefined);
  const modules = await Promise.all([compiled(wasm), compiled(rest)]);
  return { script: URL.createObjectURL(new Blob([script], { type: "text/javascript" })), wasm: modules[0], rest: modules[1] };
}

function fetched(address: string): Promise<Blob | undefined> {
  let blob = blobs.get(address);
  if (blob === undefined) {
    blob = fetchBlob(address);
    blobs.set(address, blob);
    // It is tried again when it is needed.
    void blob.then((found) => found ?? blobs.delete(address));
  }
  return blob;
}

async function fetchBlob(address: string): Promise<Blob | undefined> {
  try {
    // A file that the cache would ask the server about is the one that this page has started with.
    const response = await fetch(address, { cache: "force-cache" });
    const isPage = /^text\/html/.test(response.headers.get("content-type") ?? "");
    return response.ok && !isPage ? await response.blob() : undefined;
  } catch {
    return undefined;
  }
}
