// What is special in Node: paths, foreign files, flushes, and when a process may end.
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

import { Ferrolite } from "ferrolite";

import { program, temporaryDirectory } from "./support/files.mjs";

const directory = temporaryDirectory();
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Runs `work` and counts the calls of one function of `node:fs`; `replacement` may stand in for it. */
async function counting(name, work, replacement = fs[name]) {
  const original = fs[name];
  let count = 0;
  fs[name] = (...args) => {
    count++;
    return replacement(...args);
  };
  syncBuiltinESMExports();
  try {
    await work(() => count);
  } finally {
    fs[name] = original;
    syncBuiltinESMExports();
  }
}

function systemError(code) {
  return () => {
    throw Object.assign(new Error(`${code}: simulated`), { code });
  };
}

test("a name without an extension gets one, a path is a path", async () => {
  const named = await Ferrolite.open(join(directory, "named"));
  assert.deepEqual(named.storage, {
    kind: "file",
    persistent: true,
    path: join(directory, "named.ferrolite"),
    reason: named.storage.reason,
  });
  const path = await Ferrolite.open(join(directory, "other.db"));
  assert.equal(path.storage.path, join(directory, "other.db"));
  await named.close();
  await path.close();
  assert.deepEqual(await Ferrolite.list(directory), ["named"]);
  await assert.rejects(Ferrolite.list(join(directory, "none")), { code: "NotFound" });
});

test("a directory that is missing", async () => {
  await assert.rejects(Ferrolite.open(join(directory, "none", "db")), { code: "NotFound", name: "FerroliteError" });
  assert.equal(await Ferrolite.delete(join(directory, "none", "db")), false);
});

test("files that are not ours are left as they are", async () => {
  const path = join(directory, "foreign.txt");
  for (const content of ["x", "hello world\n".repeat(20_000), "\0".repeat(1 << 17)]) {
    fs.writeFileSync(path, content);
    await assert.rejects(Ferrolite.open(path), { code: "NotADatabase" });
    assert.equal(fs.readFileSync(path, "latin1"), content);
    assert.equal(fs.existsSync(`${path}.lock`), false);
  }
  fs.mkdirSync(join(directory, "folder.ferrolite"));
  await assert.rejects(Ferrolite.open(join(directory, "folder.ferrolite")), { name: "FerroliteError", code: "Io" });
});

test("a file that was cut off is no database any more, and stays as it is", async () => {
  const path = join(directory, "cut.ferrolite");
  const db = await Ferrolite.open(path);
  await db.setMany(Array.from({ length: 5000 }, (_, n) => [`k${n}`, "x".repeat(300)]));
  await db.compact();
  await db.close();
  const whole = fs.readFileSync(path);
  for (const length of [1, 4096, 20_000, 65_536, Math.trunc(whole.length / 2)]) {
    fs.writeFileSync(path, whole.subarray(0, length));
    const cut = await Ferrolite.open(path).catch((error) => error);
    if (cut instanceof Error) {
      assert.ok(["NotADatabase", "Corrupt"].includes(cut.code), `${cut.code}: ${cut.message}`);
      assert.equal(fs.statSync(path).size, length);
    } else {
      const report = await cut.check({ full: true }).catch((error) => ({ problems: [error.message] }));
      assert.ok(report.problems.length > 0, `cut at ${length}`);
      await cut.close();
    }
  }
});

test("a directory that refuses the lock is read-only", async () => {
  await counting(
    "openSync",
    () => assert.rejects(Ferrolite.open(join(directory, "refused")), { code: "ReadOnly" }),
    systemError("EACCES"),
  );
});

test("a full disk is StorageFull, and loses nothing", async () => {
  const path = join(directory, "full.ferrolite");
  const db = await Ferrolite.open(path);
  await db.set("a", 1);
  const { writeSync } = fs;
  // On a full disk what is there can still be written over.
  const end = fs.statSync(path).size + 400_000;
  const full = (file, bytes, offset, length, at) => {
    if (at + length > end) systemError("ENOSPC")();
    return writeSync(file, bytes, offset, length, at);
  };
  const expected = [["a", 1]];
  await counting(
    "writeSync",
    async () => {
      for (;;) {
        const entry = [`k${String(expected.length).padStart(4, "0")}`, "x".repeat(5000)];
        const error = await db.set(...entry).then(() => undefined, (thrown) => thrown);
        if (error !== undefined) return assert.equal(error.code, "StorageFull", error.message);
        expected.push(entry);
      }
    },
    full,
  );
  assert.ok(expected.length > 10);
  assert.deepEqual(await db.entries(), expected);
  await db.set("z", 2);
  await db.close();
  const again = await Ferrolite.open(path);
  assert.deepEqual(await again.entries(), [...expected, ["z", 2]]);
  await again.close();
});

test("after a failed flush the database takes no more writes, and says so", async () => {
  const path = join(directory, "failed.ferrolite");
  const db = await Ferrolite.open(path);
  await db.set("a", 1);
  await counting("fdatasyncSync", () => assert.rejects(db.set("a", 2), { name: "FerroliteError" }), systemError("EIO"));
  await assert.rejects(db.set("a", 3), { code: "Failed" });
  await db.close().catch((error) => assert.equal(error.code, "Failed"));
  const again = await Ferrolite.open(path);
  assert.ok([1, 2].includes(await again.get("a")));
  await again.close();
});

test("a file that is removed, moved, replaced or cut takes no more commits", async () => {
  const losses = {
    removed: (path) => fs.unlinkSync(path),
    moved: (path) => fs.renameSync(path, `${path}.moved`),
    replaced: (path) => {
      fs.copyFileSync(path, `${path}.copy`);
      fs.renameSync(`${path}.copy`, path);
    },
    cut: (path) => fs.truncateSync(path, 40_000),
  };
  const open = await Promise.all(
    Object.entries(losses).map(async ([name, lose]) => {
      const path = join(directory, `lost-${name}.ferrolite`);
      const db = await Ferrolite.open(path);
      await db.set("before", 1);
      lose(path);
      return db;
    }),
  );
  await sleep(1100);
  for (const db of open) {
    await assert.rejects(db.set("after", 2), { code: "Failed", message: /removed, moved, replaced or cut/ });
    await assert.rejects(db.set("later", 2), { code: "Failed" });
    assert.equal(await db.get("before"), 1, "reads continue");
    await db.close().catch((error) => assert.equal(error.code, "Failed"));
  }
});

test("a file that was removed before the first write, or before closing, is reported at once", async () => {
  const path = join(directory, "at-once.ferrolite");
  const first = await Ferrolite.open(path);
  fs.unlinkSync(path);
  await assert.rejects(first.set("a", 1), { code: "Failed" });
  await first.close().catch(() => {});
  const second = await Ferrolite.open(path);
  await second.set("a", 1);
  fs.unlinkSync(path);
  await assert.rejects(second.close(), { code: "Failed" });
  assert.equal(fs.existsSync(`${path}.lock`), false);
});

test("10,000 sets fired without waiting share a few flushes", async () => {
  const db = await Ferrolite.open(join(directory, "batch"));
  await db.set("first", 0);
  await counting("fdatasyncSync", async (count) => {
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => db.set(`k${n}`, { n })));
    assert.ok(count() <= 20, `${count()} flushes`);
  });
  await db.close();
});

test("periodic durability flushes once the time has come, without a later write", async () => {
  const db = await Ferrolite.open(join(directory, "periodic"), { durability: { periodic: 60 } });
  await db.set("warm", 0);
  await sleep(150);
  await counting("fdatasyncSync", async (count) => {
    await db.set("a", 1);
    const { lastSeq } = await db.stats();
    for (let waited = 0; waited < 1000 && (await db.stats()).syncedSeq < lastSeq; waited += 20) await sleep(20);
    assert.equal((await db.stats()).syncedSeq, lastSeq);
    assert.equal(count(), 1);
    await sleep(150);
    assert.equal(count(), 1, "nothing is flushed when nothing was written");
  });
  await db.close();
});

test("a loop of awaited calls leaves the event loop its turns", async () => {
  const db = await Ferrolite.open("turns", { storage: "memory" });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const end = performance.now() + 200;
  while (performance.now() < end) await db.set("k", 1);
  clearInterval(timer);
  assert.ok(turns >= 10, `${turns} turns in 200 ms`);
  await db.close();
});

test("a process ends when nobody waits, and not before that", async () => {
  const path = join(directory, "ending");
  const other = program(
    `const db = await Ferrolite.open(args[0], { durability: { periodic: 60_000 } });
     await db.setMany(Array.from({ length: 30_000 }, (_, n) => ["k" + n, { n }]));
     db.createIndex("n").then((made) => console.log(made));`,
    path,
  );
  const started = performance.now();
  assert.deepEqual(await other.ended, { code: 0, signal: null, output: "true\n" });
  assert.ok(performance.now() - started < 30_000, "the timer of the flush does not keep it alive");
});

test("maintenance is done while the process is idle", async () => {
  const db = await Ferrolite.open(join(directory, "idle"), { memtableSize: 1 << 20, durability: "never" });
  for (let round = 0; round < 12; round++) {
    await db.setMany(Array.from({ length: 3000 }, (_, n) => [`k${(n * 7919 + round) % 30_000}`, "x".repeat(200)]));
  }
  const busy = (await db.stats()).debtBytes;
  await sleep(500);
  const idle = (await db.stats()).debtBytes;
  assert.ok(idle === 0 || idle < busy, `${busy} bytes to do, then ${idle}`);
  await db.close();
});
