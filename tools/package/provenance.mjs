// Tells of what a package was made.
// Usage: node tools/package/provenance.mjs toolchain FILE   what compiles the engine on this machine, and of which sources
//        node tools/package/provenance.mjs package FILE     that, and the digest of each file that the package runs
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const dist = join(root, "js", "dist");

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** What a tool says that it is. */
function versionOf(command) {
  return execFileSync(command, ["--version"], { cwd: root, encoding: "utf8" }).split("\n")[0].trim();
}

/** One digest of names and contents, the same wherever the sources lie. */
function digestOfSources() {
  const sources = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
  const names = [...sources, "Cargo.toml", "Cargo.lock", "build.rs"].sort();
  return sha256(names.map((name) => `${sha256(readFileSync(join(root, name)))}  ${name}\n`).join(""));
}

function toolchain() {
  const build = readFileSync(join(root, "tools", "build-js.sh"), "utf8");
  const [, features] = /target-feature=(\S+)/.exec(build);
  return {
    sources: { sha256: digestOfSources(), what: "sha256sum of src/**, Cargo.toml and Cargo.lock, by name" },
    target: "wasm32-unknown-unknown",
    targetFeatures: features.split(",").map((feature) => feature.replace(/^\+/, "")),
    cargoFeatures: [],
    tools: Object.fromEntries(["rustc", "wasm-pack", "wasm-bindgen", "wasm-opt"].map((tool) => [tool, versionOf(tool)])),
  };
}

function ofPackage() {
  const { name, version, devDependencies } = JSON.parse(readFileSync(join(root, "js", "package.json"), "utf8"));
  const { sources, tools, ...rest } = JSON.parse(readFileSync(join(root, ".build", "wasm", "toolchain.json"), "utf8"));
  const wasm = readFileSync(join(dist, "ferrolite_bg.wasm"));
  const digests = (names) => Object.fromEntries(names.map((file) => [file, sha256(readFileSync(join(dist, file)))]));
  // The other modules in the folder are for the tests; what is published has a map.
  const names = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith(".js.map"));
  const scripts = names.map((name) => name.slice(0, -".map".length)).sort();
  return {
    package: name,
    version,
    wasm: { file: "ferrolite_bg.wasm", bytes: wasm.length, sha256: sha256(wasm), ...rest },
    parts: digests(["ferrolite_first.wasm", "ferrolite_rest.wasm"]),
    scripts: digests(scripts),
    sources,
    tools: { ...tools, typescript: devDependencies.typescript, esbuild: devDependencies.esbuild },
  };
}

const [what, file] = process.argv.slice(2);
writeFileSync(file, `${JSON.stringify(what === "toolchain" ? toolchain() : ofPackage(), undefined, 2)}\n`);
