// A small file system, mounted for one process and gone with it, is filled.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { temporaryDirectory } from "./support/files.mjs";

const torture = Boolean(process.env.FERROLITE_TORTURE);
const worker = fileURLToPath(new URL("support/full-disk-worker.mjs", import.meta.url));
const directory = temporaryDirectory();
const rounds = torture ? 10 : 5;

/** Runs a shell text in a mount namespace of its own. Who is not root may be so in a namespace of users. */
function inNamespace(script, ...words) {
  const flag = spawnSync("unshare", ["-m", "true"]).status === 0 ? "-m" : "-rm";
  return spawnSync("unshare", [flag, "sh", "-ec", script, "sh", ...words], { encoding: "utf8", maxBuffer: 1 << 28 });
}

for (const [seed, bytes] of torture ? [[1, 4 << 20], [2, 4 << 20], [3, 12 << 20], [4, 12 << 20], [6, 6 << 20]] : [[1, 4 << 20], [2, 4 << 20]]) {
  test(`a full tmpfs of ${bytes >> 20} MiB, seed ${seed}`, { timeout: 600_000 }, (context) => {
    const mount = `mount -t tmpfs -o size=${bytes} none "$1"`;
    const possible = inNamespace(mount, directory);
    if (possible.status !== 0) return context.skip(`no tmpfs can be mounted here: ${possible.stderr ?? possible.error}`);
    const script = `${mount}; exec "$2" "$3" "$1" ${seed} ${rounds} ${bytes}`;
    const { status, stdout, stderr } = inNamespace(script, directory, process.execPath, worker);
    assert.equal(status, 0, stderr);
    const { acknowledged, refused, failures } = JSON.parse(stdout);
    console.log(`Node, ${bytes} bytes: ${acknowledged} acknowledged, ${refused} refused`);
    if (torture) console.log(`torture\tfull disk Node\ttmpfs of ${bytes >> 20} MiB, disks filled\t${rounds}`);
    assert.deepEqual(failures, []);
  });
}
