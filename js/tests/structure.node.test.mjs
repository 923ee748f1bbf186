// The structure of js/src, and the tool that checks it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const tool = fileURLToPath(new URL("../../tools/check/structure-js.mjs", import.meta.url));
const run = (...folder) => spawnSync(process.execPath, [tool, ...folder], { encoding: "utf8" });

test("js/src has no import circle and no import upward", () => {
  assert.equal(run().stderr, "");
});

test("the tool reports each fault with its file and line", () => {
  const folder = mkdtempSync(join(tmpdir(), "ferrolite-structure-"));
  const files = {
    "index.ts": 'export { a } from "./api/a.js";\n',
    "api/a.ts": '\n/* import x from "./b.js"; */\nimport type {\n  B,\n} from "./b.js";\n',
    "api/b.ts": 'const a = () => import("./a.js");\n',
    "worker/c.ts": 'import { a } from "../api/a.js";\nimport * as node from "../node/d.js";\n',
    "node/d.ts": 'import { keep } from "./e.js";\n',
    "node/e.ts": 'export { keep } from "./f.js";\n',
    "node/f.ts": "export const keep = 1;\n",
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { status, stderr } = run(folder);
    assert.equal(status, 1);
    assert.deepEqual(stderr.trim().split("\n").sort(), [
      "api/a.ts:3: the import is part of a circle: api/a.ts > api/b.ts > api/a.ts",
      "api/b.ts:1: the import is part of a circle: api/b.ts > api/a.ts > api/b.ts",
      "node/d.ts:1: imports keep from node/e.ts, which does not define it",
      "worker/c.ts:1: imports api/a.ts, which is not below it",
      "worker/c.ts:2: imports node/d.ts, which is not below it",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
