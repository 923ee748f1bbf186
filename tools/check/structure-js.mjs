// Checks the structure of js/src by its import lines. A folder imports only from folders below it. There is no import circle, types
// and dynamic imports included. A name is imported from the file that defines it. js/src has at most `ENTRIES_MAX` entries.
// Usage: node tools/check/structure-js.mjs [FOLDER]; prints file and line of each fault, and exits with code 1 if one exists.
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The folders from the top down. Folders of one row do not import from each other. Other files of js/src are above all rows. */
const ORDER = [
  ["sync"], ["api"], ["worker", "node"], ["tabs"], ["storage"], ["protocol"], ["streams"], ["arguments"],
  ["types.ts", "error.ts", "brand.ts", "dispose.ts"],
];
const ENTRIES_MAX = 17;
/** `import ... from "x"`, `export ... from "x"`, `import("x")`: the names in braces, and the path. */
const IMPORT = /\b(import|export)\s+[\w$*,\s]*(?:\{([^}]*)\})?\s*from\s*"(\.[^"]+)"|\bimport\(\s*"(\.[^"]+)"\s*\)/g;

const source = process.argv[2] ?? fileURLToPath(new URL("../../js/src/", import.meta.url));
const paths = readdirSync(source, { recursive: true }).map((path) => path.replaceAll("\\", "/")).filter((path) => /\.ts$/.test(path));
/** The imports of each file. `names` are those that the line takes or passes on. */
const imports = new Map(paths.map((path) => [path, importsOf(path)]));

function importsOf(path) {
  const blank = (comment) => comment.replace(/[^\n]/g, " ");
  const text = readFileSync(join(source, path), "utf8").replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, blank);
  return [...text.matchAll(IMPORT)].map(({ index, 1: verb, 2: braces = "", 3: from, 4: dynamic }) => {
    const target = posix.join(posix.dirname(path), from ?? dynamic).replace(/\.js$/, "");
    const names = braces.split(",").map((name) => name.trim().replace(/^type /, "").split(" as ")[0]).filter(Boolean);
    const line = text.slice(0, index).split("\n").length;
    const file = [`${target}.ts`, `${target}.d.ts`].find((name) => paths.includes(name));
    return { isExport: verb === "export", names, line, target: file };
  });
}

const keyOf = (path) => (ORDER.at(-1).includes(path) ? path : path.includes("/") ? path.slice(0, path.indexOf("/")) : "");
const levelOf = (path) => ORDER.findIndex((row) => row.includes(keyOf(path)));

/** Returns true unless a file may import another one, by the folders of both. */
function isUpward(path, target) {
  const [from, to] = [levelOf(path), levelOf(target)];
  return to < from || (to === from && to >= 0 && to < ORDER.length - 1 && keyOf(path) !== keyOf(target));
}

/** Returns the shortest way by imports from one file to another one, without imports that are reported as upward. */
function wayTo(to, ways, seen = new Set()) {
  const next = ways.flatMap((way) => imports.get(way.at(-1)).map(({ target }) => [...way, target]));
  const fresh = next.filter(([...way]) => {
    const [target, path] = [way.pop(), way.pop()];
    return target && !isUpward(path, target) && !seen.has(target) && seen.add(target);
  });
  return fresh.length === 0 ? undefined : (fresh.find((way) => way.at(-1) === to) ?? wayTo(to, fresh, seen));
}

const faults = [];
for (const [path, lines] of imports) {
  if (levelOf(path) < 0 && path.includes("/")) faults.push(`${path}: no row of ORDER has its folder`);
  for (const { isExport, names, line, target } of lines.filter(({ target }) => target)) {
    if (isUpward(path, target)) faults.push(`${path}:${line}: imports ${target}, which is not below it`);
    const circle = target === path ? [path] : isUpward(path, target) ? undefined : wayTo(path, [[target]]);
    if (circle) faults.push(`${path}:${line}: the import is part of a circle: ${[path, ...circle].join(" > ")}`);
    const passedOn = imports.get(target).filter((other) => other.isExport).flatMap((other) => other.names);
    for (const name of isExport ? [] : names.filter((name) => passedOn.includes(name))) {
      faults.push(`${path}:${line}: imports ${name} from ${target}, which does not define it`);
    }
  }
}
const entries = readdirSync(source).length;
if (entries > ENTRIES_MAX) faults.push(`js/src has ${entries} entries; at most ${ENTRIES_MAX} are allowed`);
for (const fault of faults) console.error(fault);
if (faults.length === 0) console.log(`js/src: ${paths.length} files, no circle, no import upward`);
process.exitCode = faults.length === 0 ? 0 : 1;
