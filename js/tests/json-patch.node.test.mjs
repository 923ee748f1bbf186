// The conformance suite of JSON Patch: https://github.com/json-patch/json-patch-tests.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { Ferrolite } from "ferrolite";

const require = createRequire(import.meta.url);
let db;
before(async () => (db = await Ferrolite.open("patches", { storage: "memory" })));
after(() => db.close());

// How many cases there are, and how many of them the suite itself has switched off: a missing one would not be noticed.
for (const [file, count, disabledCount] of [["tests.json", 78, 3], ["spec_tests.json", 17, 1]]) {
  describe(file, () => {
    const cases = require(`json-patch-test-suite/${file}`);
    test("all cases are there", () => {
      assert.deepEqual([cases.length, cases.filter(({ disabled }) => disabled).length], [count, disabledCount]);
    });
    for (const [index, { comment, doc, patch, expected, error, disabled }] of cases.entries()) {
      test(`${index}: ${comment ?? error ?? JSON.stringify(patch)}`, { skip: disabled }, async () => {
        await db.set("doc", doc);
        if (error !== undefined) {
          await assert.rejects(db.patch("doc", patch), ({ code }) => ["InvalidPatch", "Conflict"].includes(code));
          assert.deepEqual(await db.get("doc"), doc, "what fails changes nothing");
        } else {
          assert.equal(await db.patch("doc", patch), true);
          // Cases without an outcome are only to be accepted.
          if (expected !== undefined) assert.deepEqual(await db.get("doc"), expected);
        }
      });
    }
  });
}
