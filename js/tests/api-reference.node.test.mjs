// docs/api.md is what the types make of it, and no verb is left out elsewhere.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { API_FILE, reference } from "../../tools/package/api-reference.mjs";

const made = reference();

test("the API reference is that of the types", async () => {
  assert.ok(made === (await readFile(API_FILE, "utf8")), "docs/api.md is out of date; run: npm --prefix js run docs");
});

test("the API reference has every verb, and says something of each", () => {
  for (const verb of ["Ferrolite.open", "Database.transaction", "Collection.watchQuery", "Reader.get", "Transaction.set", "Snapshot.scan"]) {
    const at = made.indexOf(`#### ${verb}\n`);
    assert.ok(at > 0, verb);
    const [, signature, told] = made.slice(at).split("\n\n");
    assert.match(signature, /^```ts\n[^]*```$/, verb);
    assert.match(told, /^[A-Z].*/, verb);
  }
  assert.doesNotMatch(made, /@internal|#private/);
});

test("the API reference has every overload", () => {
  for (const [verb, count] of [["Database.collection", 3], ["Reader.query", 2], ["Reader.queryPage", 2], ["Reader.findOne", 2]]) {
    const [, signatures] = made.slice(made.indexOf(`#### ${verb}\n`)).split("\n\n");
    const name = verb.split(".")[1];
    assert.equal(signatures.match(new RegExp(`^${name}<`, "gm"))?.length, count, verb);
  }
});

test("the package's page names every verb", async () => {
  const page = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const verbs = [...made.matchAll(/^#### (?:Ferrolite|Database|Collection|Reader)\.([a-z]\w*)\n\n```ts\n(?:static )?\*?\1[<(]/gm)];
  assert.ok(verbs.length > 40, String(verbs.length));
  const missing = verbs.map(([, verb]) => verb).filter((verb) => !page.includes(`${verb}(`));
  assert.deepEqual(missing, [], "js/README.md does not tell of these verbs");
});
