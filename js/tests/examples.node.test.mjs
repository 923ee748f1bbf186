// The guide's apps: each is quoted as it is in examples/, and prints what the guide says. And the rest of the code on the
// pages of the documentation and in comments: all of it is in types/pages.tsx, which `npm run check` compiles.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));
const examples = join(root, "examples");
const guide = ["guide.md", "frameworks.md"].map((name) => readFileSync(join(root, "docs", name), "utf8")).join("\n");
const run = promisify(execFile);

/** What each app is started with. */
const ARGUMENTS = { "from-ferrumdb.mjs": ["old.db", "new.ferrolite"] };
/** Those that are not for Node, and are tested in a browser. */
const IN_BROWSERS = ["from-indexeddb.mjs"];

/** The apps that the guide quotes: names, code and output. */
function quoted() {
  const pattern = /<!-- (\S+\.mjs) -->\n```js\n([^]*?)```\n[^]*?```text\n([^]*?)```/g;
  return [...guide.matchAll(pattern)].map(([, name, code, output]) => ({ name, code, output }));
}

/** The command-line program, of whichever build there is. */
function program() {
  const paths = ["dist/ferrolite", "target/release/ferrolite", "target/debug/ferrolite"].map((path) => join(root, path));
  const found = paths.find((path) => existsSync(path));
  assert.ok(found, "there is no command-line program; run: make native");
  return found;
}

/** A directory where an app finds the package and the program; `use` gets its path. */
async function within(use) {
  const directory = mkdtempSync(join(tmpdir(), "ferrolite-example-"));
  try {
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(join(root, "js"), join(directory, "node_modules", "ferrolite"));
    await use(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Code without what pages and the file for the compiler do not have in common: comments, imports, exports, indentation. */
function bare(code) {
  const lines = code.split("\n").map((line) => line.replace(/(^|\s)\/\/ .*$/, "").trim().replace(/^export /, ""));
  return lines.filter((line) => line !== "" && !/^(import .*|"use \w+");$/.test(line)).join("\n");
}

test("the code on pages and in comments is checked by the compiler", () => {
  const types = join(root, "js", "tests", "types");
  const files = readdirSync(types).filter((name) => name.startsWith("pages"));
  const compiled = files.map((name) => bare(readFileSync(join(types, name), "utf8"))).join("\n");
  const inDocs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md") && name !== "api.md");
  const inSources = readdirSync(join(root, "js/src"), { recursive: true }).filter((name) => name.endsWith(".ts"));
  const names = [...inDocs.map((name) => `docs/${name}`), ...inSources.map((name) => `js/src/${name}`)];
  const pages = ["README.md", "js/README.md", ...names];
  const missing = [];
  let count = 0;
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8").replace(/^ +\* ?/gm, (star) => (page.endsWith(".ts") ? "" : star));
    const blocks = text.matchAll(/(?<!\.mjs -->\n)^```[jt]sx?\n([^]*?)^```$/gm);
    for (const paragraph of [...blocks].flatMap(([, code]) => code.split("\n\n")).map(bare)) {
      // There may be imports alone.
      if (paragraph === "") continue;
      count++;
      if (!`\n${compiled}\n`.includes(`\n${paragraph}\n`)) missing.push(`${page}: ${paragraph}`);
    }
  }
  assert.ok(count >= 45, `only ${count} pieces of code were found`);
  assert.deepEqual(missing, [], "no file js/tests/types/pages* has this code");
});

test("the guide quotes every app", () => {
  const apps = readdirSync(examples).filter((name) => name.endsWith(".mjs") && !IN_BROWSERS.includes(name));
  assert.deepEqual(quoted().map(({ name }) => name).sort(), apps.sort());
});

for (const { name, code, output } of quoted()) {
  test(`${name} does what the guide says`, async () => {
    assert.equal(code, readFileSync(join(examples, name), "utf8"), `the guide does not quote examples/${name} as it is`);
    await within(async (directory) => {
      copyFileSync(join(examples, name), join(directory, name));
      const path = { PATH: `${directory}:${process.env.PATH}` };
      if (name === "from-ferrumdb.mjs") {
        symlinkSync(program(), join(directory, "ferrolite"));
        copyFileSync(join(root, "tests", "fixtures", "ferrumdb", "ferrumdb-0.2.1-plain.db"), join(directory, "old.db"));
      }
      const options = { cwd: directory, env: { ...process.env, ...path, NO_COLOR: "1" }, timeout: 60_000 };
      const { stdout, stderr } = await run(process.execPath, [name, ...(ARGUMENTS[name] ?? [])], options);
      assert.equal(stderr, "");
      assert.equal(stdout, output, `what examples/${name} prints is not what the guide says`);
    });
  });
}
