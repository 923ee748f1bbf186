// Runs a program for WASI in V8: `node tools/run-wasi.mjs PROGRAM.wasm [ARGUMENTS]`.
import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [program, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: "preview1", args: [program, ...args], env: process.env });
const imports = wasi.getImportObject();
// Node 20 crashes when wasm calls its functions directly after the memory has grown.
for (const [name, call] of Object.entries(imports.wasi_snapshot_preview1)) {
  imports.wasi_snapshot_preview1[name] = (...values) => call(...values);
}
const module = await WebAssembly.compile(await readFile(program));
process.exit(wasi.start(await WebAssembly.instantiate(module, imports)));
