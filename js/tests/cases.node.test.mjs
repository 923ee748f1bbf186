// The shared cases in Node, over files and in memory, plain and encrypted.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import * as ferrolite from "ferrolite";

import { groups } from "./cases/index.mjs";
import { casesOn, withCiphers } from "./support/encrypted.mjs";
import { runCase } from "./support/run-case.mjs";

const directory = `${mkdtempSync(join(tmpdir(), "ferrolite-cases-"))}/`;
after(() => rmSync(directory, { recursive: true }));

const list = async () => (await ferrolite.Ferrolite.list(directory)).map((name) => directory + name);
const rewrite = async (name, change) => writeFileSync(`${name}.ferrolite`, change(readFileSync(`${name}.ferrolite`)));
const hosts = withCiphers({
  file: { ...ferrolite, list, rewrite, directory, persistent: true, isSharedInProcess: true, options: {} },
  memory: { ...ferrolite, list, directory, persistent: false, options: { storage: "memory" } },
});

for (const [kind, host] of Object.entries(hosts)) {
  for (const [group, cases] of Object.entries(groups)) {
    describe(`${kind}, ${group}`, () => {
      for (const testCase of casesOn(kind, group, cases)) test(testCase.name, { timeout: 60_000 }, () => runCase(testCase, host));
    });
  }
}
