// The lease of a lock whose holder cannot be observed: when it is renewed, and when its holder may not write any more.
import assert from "node:assert/strict";
import { test } from "node:test";

import { BEAT_MS, Lease, TAKEOVER_MS } from "../dist/node/lease.js";

/** A lease, its clocks, and what it asked for. */
function held(t) {
  const now = { monotonicMs: 0, wallMs: 1_000_000 };
  const asked = [];
  const answers = { renew: true, renewLate: true };
  const lease = new Lease({
    renew: () => (asked.push("renew"), answers.renew),
    renewLate: () => (asked.push("late"), answers.renewLate),
    lost: () => Object.assign(new Error("lost"), { code: "Locked" }),
  }, { monotonicMs: () => now.monotonicMs, wallMs: () => now.wallMs });
  t.after(() => lease.end());
  const pass = (milliseconds, wallMs = milliseconds) => {
    now.monotonicMs += milliseconds;
    now.wallMs += wallMs;
  };
  return { lease, asked, answers, pass };
}

test("a holder that writes renews its lease itself, every two seconds", (t) => {
  const { lease, asked, pass } = held(t);
  for (let n = 0; n < 100; n++) {
    pass(100);
    lease.confirm();
  }
  assert.deepEqual(asked, Array(5).fill("renew"));
});

test("a holder that did not run for longer than its lease renews it while nobody can take it over", (t) => {
  const { lease, asked, pass } = held(t);
  pass(TAKEOVER_MS / 2);
  lease.confirm();
  assert.deepEqual(asked, ["late"]);
});

test("sleep of the machine, which the monotonic clock does not count, ends the lease; so does a clock that was set back", (t) => {
  const { lease, asked, pass } = held(t);
  pass(1, 3_600_000);
  lease.confirm();
  pass(1, -5);
  lease.confirm();
  assert.deepEqual(asked, ["late", "late"]);
});

test("a holder that lost its lock writes nothing any more", (t) => {
  const { lease, asked, answers, pass } = held(t);
  answers.renewLate = false;
  pass(TAKEOVER_MS);
  assert.throws(() => lease.confirm(), { code: "Locked" });
  answers.renewLate = answers.renew = true;
  assert.throws(() => lease.confirm(), { code: "Locked" });
  assert.deepEqual(asked, ["late"]);
});

test("a lock that another took is lost at the next renewal", (t) => {
  const { lease, answers, pass } = held(t);
  answers.renew = false;
  pass(BEAT_MS);
  assert.throws(() => lease.confirm(), { code: "Locked" });
});
