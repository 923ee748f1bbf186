// Checks the documentation: each relative link leads to a file and a heading, README.md is short, and every page is reachable
// from the tables of contents. Usage: node tools/check/docs.mjs
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

const README_LINES_MAX = 120;
const START = ["README.md", "docs/index.md"];

const pagesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? pagesIn(path) : path.endsWith(".md") ? [path] : [];
  });
const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "js/README.md", ...pagesIn("docs")];

/** The text of a page without its code. */
const text = (page) => readFileSync(page, "utf8").replace(/^```[^]*?^```/gm, (code) => code.replace(/[^\n]/g, ""));
const fragment = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").trim().replaceAll(" ", "-");
const fragments = new Map();
const fragmentsOf = (page) => {
  if (!fragments.has(page)) fragments.set(page, new Set([...text(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => fragment(heading))));
  return fragments.get(page);
};

const faults = [];
const links = new Map(pages.map((page) => [page, []]));
for (const page of pages) {
  for (const found of text(page).replace(/`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, " ")).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(found[1])) continue;
    const line = text(page).slice(0, found.index).split("\n").length;
    const [path, heading] = found[1].split("#");
    const target = path === "" ? page : normalize(join(dirname(page), path));
    links.get(page).push(target);
    if (!existsSync(target)) faults.push(`${page}:${line} leads to ${target}, which does not exist`);
    else if (heading && target.endsWith(".md") && !fragmentsOf(target).has(heading)) faults.push(`${page}:${line} leads to #${heading}, which ${target} does not have`);
    if (page === "js/README.md" && target !== page) faults.push(`${page}:${line} leads out of the package: ${target}`);
  }
}
const lines = readFileSync("README.md", "utf8").split("\n").length - 1;
if (lines > README_LINES_MAX) faults.push(`README.md has ${lines} lines, and may have ${README_LINES_MAX}`);
const reached = new Set(START);
for (const page of reached) for (const target of links.get(page) ?? []) if (links.has(target)) reached.add(target);
for (const page of pages) if (!reached.has(page) && relative("docs", page)[0] !== ".") faults.push(`${page} is not reachable from ${START.join(" or ")}`);

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`documentation: ${pages.length} pages, all links lead somewhere`);
