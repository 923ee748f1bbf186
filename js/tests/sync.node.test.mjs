// FerroliteSync in Node: the shared cases, and what is its own.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import * as ferrolite from "ferrolite";
import * as sync from "ferrolite/sync";

import { syncSources } from "../../tools/package/sync-sources.mjs";
import { syncGroups } from "./cases/sync.mjs";
import { casesOn, encryptions } from "./support/encrypted.mjs";
import { promised } from "./support/promised.mjs";
import { runCase } from "./support/run-case.mjs";

const directory = `${mkdtempSync(join(tmpdir(), "ferrolite-sync-"))}/`;
after(() => rmSync(directory, { recursive: true }));

const Ferrolite = promised(sync, ferrolite.Ferrolite);
const list = async () => (await Ferrolite.list(directory)).map((name) => directory + name);
const rewrite = async (name, change) => writeFileSync(`${name}.ferrolite`, change(readFileSync(`${name}.ferrolite`)));
const shared = { ...ferrolite, ...sync, Ferrolite, isSync: true, list, rewrite, directory };
const encryption = encryptions["chacha20-poly1305"];
const hosts = {
  file: { ...shared, persistent: true, isSharedInProcess: true, options: {} },
  "file, encrypted": { ...shared, persistent: true, isSharedInProcess: true, options: { encryption } },
  memory: { ...shared, persistent: false, options: { storage: "memory" } },
};

for (const [kind, host] of Object.entries(hosts)) {
  for (const [group, cases] of Object.entries(syncGroups)) {
    describe(`sync, ${kind}, ${group}`, () => {
      for (const testCase of casesOn(kind, group, cases)) test(testCase.name, { timeout: 60_000 }, () => runCase(testCase, host));
    });
  }
}

test("the classes are made of the source of those that give promises", () => {
  for (const [path, text] of syncSources()) {
    assert.ok(readFileSync(path, "utf8") === text, `${path} is out of date; run: npm --prefix js run sync`);
  }
});

test("a second opening in the process shares the database", async () => {
  const db = await sync.FerroliteSync.open(`${directory}second`);
  const second = await ferrolite.Ferrolite.open(`${directory}second`);
  const third = await sync.FerroliteSync.open(`${directory}second`);
  db.set("a", 1);
  assert.deepEqual([await second.get("a"), third.get("a")], [1, 1]);
  db.close();
  await second.close();
  third.set("b", 2);
  third.close();
});
