// Checks the structure of the Rust source: no import circle, no import from a lower folder to a higher one.
// Usage: node tools/check/structure.mjs
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The layers of each folder, from the top down. A file may import from its own layer and from the layers below. */
const LAYERS = {
  src: ["lib", "fuzzing", "bindings", "service", "import", "documents", "engine", "page", "crypto", "fs", "environment", "wording", "sorting", "fuzz_input"],
  // `*` stands for the files that are not named.
  "src/engine": ["mod", "fuzzing", "damage", "upkeep", "*", "log", "table", "room", "batch", "compare", "entry", "options", "error"],
  "src/documents": [
    "mod", "fuzzing", "upkeep", "verbs", "watch", "transaction", "query", "index", "database", "changes", "catalog", "stored", "json",
    "keyspace", "options", "error", "error_code",
  ],
};
/** The most entries that a folder may have. */
const ENTRIES_MAX = { "src/documents": 17 };

/** Files of tests and of fuzz targets may import from everywhere: nothing imports from them. */
const isTest = (file) => /(^|\/)(tests|fuzzing)(\/|\.rs$)|_tests\.rs$/.test(file);

const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : path.endsWith(".rs") ? [path] : [];
  });

/** The file that holds the longest module path at the start of `segments`, below `root`; undefined for names from other crates. */
function fileOf(root, segments) {
  for (let length = segments.length; length > 0; length--) {
    const base = join(root, ...segments.slice(0, length));
    const file = [`${base}.rs`, join(base, "mod.rs")].find(existsSync);
    if (file) return file;
  }
  return undefined;
}

/** The paths that a file imports or names in place, with their line. `use a::{b, c::d}` is two paths. */
function* paths(text) {
  // Comments, string literals and tests at the end of a file import nothing.
  const code = text
    .replace(/#\[cfg\(test\)\]\s*(mod \w+ \{[\s\S]*$|use [^;]+;)/g, (found) => found.replace(/[^\n]/g, " "))
    .replace(/\/\/[^\n]*|pub\(in [^)]*\)|"(?:[^"\\\n]|\\.)*"/g, "")
    // A list of re-exports is for the code outside: it makes the file depend on nothing.
    .replace(/^pub(\([^)]*\))? use [^;]+;/gm, (found) => found.replace(/[^\n]/g, " "));
  for (const found of code.matchAll(/^\s*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);|\b((?:crate|super|self)(?:::\w+)+)/gm)) {
    const line = code.slice(0, found.index).split("\n").length;
    for (const path of found[1] ? expand(found[1]) : [found[2]]) yield { path: path.split("::").map((part) => part.trim()), line };
  }
}

/** The single paths of the tree of a `use` declaration. */
function expand(tree) {
  const open = tree.indexOf("{");
  if (open < 0) return [tree.replace(/\s+as\s+\w+\s*$/, "").trim()];
  const parts = [];
  let depth = 0;
  let part = "";
  for (const character of tree.slice(open + 1, tree.lastIndexOf("}"))) {
    depth += character === "{" ? 1 : character === "}" ? -1 : 0;
    if (character === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else part += character;
  }
  if (part.trim()) parts.push(part);
  return parts.flatMap((each) => expand(each).map((path) => tree.slice(0, open).trim() + path));
}

/** The files of one crate that each of its files imports from, with the line of each import. */
function graph(root, files) {
  const imports = new Map();
  for (const file of files) {
    const isModule = /(^|\/)(mod|lib|main)\.rs$/.test(file);
    const own = (isModule ? dirname(file) : file.slice(0, -3)).slice(root.length + 1).split("/").filter(Boolean);
    const found = new Map();
    for (const { path, line } of paths(readFileSync(file, "utf8"))) {
      let at = own;
      let rest = path;
      if (path[0] === "crate") [at, rest] = [[], path.slice(1)];
      else if (path[0] === "self") rest = path.slice(1);
      else while (rest[0] === "super") [at, rest] = [at.slice(0, -1), rest.slice(1)];
      // A path without a prefix names a child module, or another crate.
      if (at === own && path[0] !== "self" && !fileOf(join(root, ...own), rest.slice(0, 1))) continue;
      const target = fileOf(root, [...at, ...rest]) ?? join(root, "lib.rs");
      if (target !== file && !found.has(target)) found.set(target, line);
    }
    imports.set(file, found);
  }
  return imports;
}

/** The circles: groups of files each of which reaches every other (Tarjan's strongly connected components). */
function circles(imports) {
  const state = new Map();
  const stack = [];
  const found = [];
  const visit = (file) => {
    const own = { index: state.size, low: state.size, isOnStack: true };
    state.set(file, own);
    stack.push(file);
    for (const target of imports.get(file)?.keys() ?? []) {
      if (!imports.has(target)) continue;
      if (!state.has(target)) own.low = Math.min(own.low, visit(target).low);
      else if (state.get(target).isOnStack) own.low = Math.min(own.low, state.get(target).index);
    }
    if (own.low !== own.index) return own;
    const group = stack.splice(stack.indexOf(file));
    for (const each of group) state.get(each).isOnStack = false;
    if (group.length > 1) found.push(group);
    return own;
  };
  for (const file of imports.keys()) if (!state.has(file)) visit(file);
  return found;
}

const faults = [];
const everything = filesIn("src").filter((file) => !isTest(file));
for (const root of ["src", "src/bin/ferrolite"]) {
  const files = everything.filter((file) => file.startsWith(`${root}/`) && (root !== "src" || !file.startsWith("src/bin/")));
  const imports = graph(root, files);
  for (const group of circles(imports)) {
    const edges = group.flatMap((file) =>
      [...imports.get(file)].filter(([target]) => group.includes(target)).map(([target, line]) => `  ${file}:${line} imports ${target}`),
    );
    faults.push(`a circle of ${group.length} files:\n${edges.join("\n")}`);
  }
  for (const [folder, layers] of Object.entries(LAYERS)) {
    if (root !== "src") continue;
    const others = layers.indexOf("*");
    const layer = (file) => {
      if (!file.startsWith(`${folder}/`)) return undefined;
      const found = layers.indexOf(file.slice(folder.length + 1).split("/")[0].replace(".rs", ""));
      return found < 0 ? others : found;
    };
    for (const file of files) if (layer(file) === -1) faults.push(`${file} is in no layer of ${folder}: add it to tools/check/structure.mjs`);
    for (const [file, found] of imports)
      for (const [target, line] of found)
        if (layer(file) > layer(target) && layer(target) >= 0) faults.push(`${file}:${line} imports from a higher folder: ${target}`);
  }
}
for (const [folder, most] of Object.entries(ENTRIES_MAX)) {
  const { length } = readdirSync(folder);
  if (length > most) faults.push(`${folder} has ${length} entries, and may have ${most}`);
}
for (const fault of faults) console.error(fault);
if (faults.length) process.exit(1);
console.log(`structure: ${everything.length} Rust files, no circle, no import from a lower folder to a higher one`);
