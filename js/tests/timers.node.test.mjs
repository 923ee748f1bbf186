// Timers of test runners in Node, and where the package takes its own from.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Ferrolite } from "ferrolite";
import { FerroliteSync } from "ferrolite/sync";

import { stopTimers } from "./cases/timers.mjs";

const source = fileURLToPath(new URL("../src/", import.meta.url));

test("calls go on under the fakes of node:test, and times to live follow their clock", { timeout: 60_000 }, async () => {
  for (const Class of [Ferrolite, FerroliteSync]) {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "setImmediate", "Date"], now: Date.now() });
    try {
      const db = await Class.open("fakes", { storage: "memory" });
      for (let n = 0; n < 300; n++) await db.set(`k${n}`, { n });
      assert.equal(await db.createIndex("n"), true);
      await db.setEx("short", 1, 60);
      mock.timers.tick(59_000);
      assert.equal(await db.get("short"), 1);
      mock.timers.tick(2_000);
      assert.equal(await db.get("short"), undefined);
      await db.close();
    } finally {
      mock.timers.reset();
    }
  }
});

test("verbs that return values, and maintenance, do not need timers that move", { timeout: 60_000 }, async () => {
  const resume = stopTimers();
  try {
    const db = await FerroliteSync.open("fakes", { storage: "memory", memtableSize: 65_536 });
    for (let n = 0; n < 2000; n++) db.set(`k${n}`, { n, text: "x".repeat(100) });
    db.createIndex("n");
    db.compact();
    assert.equal(db.find("n", 7).length, 1);
    db.close();
  } finally {
    resume();
  }
});

test("every module takes timers and clocks from timers.ts", () => {
  const names = ["setTimeout", "clearTimeout", "setInterval", "setImmediate", "queueMicrotask", "MessageChannel", "requestIdleCallback"];
  const uses = new RegExp(String.raw`(?<![.\w])(?:(${names.join("|")})\(|(MessageChannel)\b|(performance|Date)\.now\()`, "g");
  for (const path of readdirSync(source, { recursive: true })) {
    // The broker's script runs in its own thread, where nobody has fakes.
    if (!path.endsWith(".ts") || path.endsWith("timers.ts") || path.endsWith("broker.ts")) continue;
    const text = readFileSync(source + path, "utf8").replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
    const [, imported = ""] = text.match(/import \{([^}]*)\} from "(?:\.\.?\/)+(?:(?:protocol|node)\/)?timers\.js";/) ?? [];
    for (const [, timer, channel, clock] of text.matchAll(uses)) {
      const name = timer ?? channel ?? clock;
      assert.ok(imported.split(",").some((one) => one.trim() === name), `${path} uses the host's ${name}`);
    }
  }
});
