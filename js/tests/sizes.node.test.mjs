// What a browser downloads does not grow.
import assert from "node:assert/strict";
import { test } from "node:test";

import { LIMITS, measure, table } from "../../tools/package/sizes.mjs";

test("what a browser downloads is within its limits", async (t) => {
  const measured = await measure();
  for (const line of table(measured).split("\n")) t.diagnostic(line);
  for (const [what, limit] of Object.entries(LIMITS)) {
    assert.ok(measured[what].gzip <= limit, `${what}: ${measured[what].gzip} bytes gzipped, ${limit} at most`);
    // A limit far above what it limits would let it grow unseen.
    assert.ok(measured[what].gzip > limit * 0.9, `${what} has shrunk to ${measured[what].gzip} bytes: lower the limit in tools/package/sizes.mjs`);
  }
});
