// The packed package in Bun and in Deno, as npm offers them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { installPacked, projects, toolsFor } from "./support/packed.mjs";

const tools = toolsFor(join(projects, "runtimes"));
const RUNTIMES = { Bun: ["bun", "run"], Deno: ["deno", "run", "--no-prompt", "--allow-read", "--allow-write", "--allow-sys=hostname"] };
let packed;

before(() => {
  packed = installPacked();
});

after(() => packed?.close());

for (const [name, [program, ...args]] of Object.entries(RUNTIMES)) {
  for (const entry of ["node.mjs", "node-inline.mjs"]) {
    test(`${name}, ${entry}`, { timeout: 60_000 }, (t) => {
      // Beside the package, where both look for it.
      const folder = join(packed.directory, `${name}-${entry.replace(".", "-")}`);
      mkdirSync(folder);
      copyFileSync(join(projects, entry), join(folder, entry));
      const startMs = performance.now();
      const told = execFileSync(join(tools, "node_modules", ".bin", program), [...args, entry], { cwd: folder, encoding: "utf8", stdio: "pipe" });
      t.diagnostic(`${((performance.now() - startMs) / 1000).toFixed(1)} s`);
      assert.deepEqual(JSON.parse(told), { found: ["b"], kind: "file" });
      assert.deepEqual(readdirSync(folder).filter((file) => file.endsWith(".lock")), []);
    });
  }
}
