// The two ends of the protocol by themselves: gathering, answers that are none, engines that stop.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Channel } from "../dist/channel.js";
import { Session } from "../dist/session.js";

const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A channel whose requests are kept. */
function kept() {
  const requests = [];
  const channel = new Channel((request) => requests.push(request));
  return { channel, requests };
}

/** A connection that does nothing, with `more` of it different. */
const connection = (more) => ({
  execute: () => bytes([[0]]),
  hasTasks: () => false,
  step: () => undefined,
  maintain: () => false,
  nextSync: () => undefined,
  sync() {},
  stats: () => ({}),
  close() {},
  ...more,
});

/** A scheduler whose work is done when the test says so. */
function manual() {
  const due = [];
  return {
    due,
    soon: (work) => due.push(work),
    later(work) {
      due.push(work);
      return () => due.splice(due.indexOf(work), 1);
    },
  };
}

test("calls of one turn are one message; a request comes after them", async () => {
  const { channel, requests } = kept();
  const calls = [channel.call('["a"]'), channel.call('["b"]')];
  channel.request({ kind: "stats" }).catch(() => {});
  const later = channel.call('["c"]');
  await turn();
  assert.deepEqual(requests, [
    { kind: "calls", id: 1, message: bytes([["a"], ["b"]]) },
    { kind: "stats", id: 2 },
    { kind: "calls", id: 3, message: bytes([["c"]]) },
  ]);
  channel.receive({ id: 3, answer: bytes([[0, "c"]]) });
  channel.receive({ id: 1, answer: bytes([[0, "a"], [2, 7]]) });
  assert.deepEqual(await later, [0, "c"]);
  assert.deepEqual(await calls[0], [0, "a"]);
  channel.receive({ finished: bytes([7, [1, { code: "Aborted", message: "x" }]]) });
  assert.deepEqual(await calls[1], [1, { code: "Aborted", message: "x" }]);
});

test("very many calls are sent in parts", async () => {
  const { channel, requests } = kept();
  const text = `["set","k","${"x".repeat(1 << 20)}"]`;
  for (let n = 0; n < 10; n++) channel.call(text).catch(() => {});
  await turn();
  assert.equal(requests.length, 3);
});

test("an answer that is not understood rejects its calls", async () => {
  const { channel } = kept();
  const call = channel.call('["a"]');
  await turn();
  channel.receive({ id: 1, answer: new TextEncoder().encode("[[0") });
  await assert.rejects(call, { name: "FerroliteError", code: "Internal" });
});

test("a message that cannot be sent rejects its calls", async () => {
  const channel = new Channel(() => {
    throw new Error("no clone");
  });
  await assert.rejects(channel.request({ kind: "open", name: "x", options: {} }), { code: "InvalidOptions" });
});

test("when the engine stops, everything that waits is rejected, and everything after it", async () => {
  const channel = new Channel((request) => session.handle(request));
  const stopped = connection({
    execute() {
      throw new Error("panicked at src/lib.rs");
    },
  });
  const session = new Session(stopped, manual(), (response) => channel.receive(response));
  await assert.rejects(channel.call('["a"]'), { code: "Internal", message: /engine stopped.*panicked at src\/lib\.rs/ });
  await assert.rejects(channel.call('["a"]'), { code: "Internal" });
  await assert.rejects(channel.request({ kind: "stats" }), { code: "Internal" });
});

test("an error report of the engine rejects the message alone", async () => {
  let fail = true;
  const channel = new Channel((request) => session.handle(request));
  const reporting = connection({
    execute() {
      if (fail) throw { code: "Internal", message: "not a message" };
      return bytes([[0, 1]]);
    },
  });
  const session = new Session(reporting, manual(), (response) => channel.receive(response));
  await assert.rejects(channel.call('["a"]'), { code: "Internal", message: "not a message" });
  fail = false;
  assert.deepEqual(await channel.call('["a"]'), [0, 1]);
});

test("tasks go on between messages, and maintenance once it is quiet", async () => {
  const done = [];
  let slices = 3;
  const scheduler = manual();
  const working = connection({
    hasTasks: () => slices > 0,
    step() {
      done.push("task");
      slices--;
      const end = performance.now() + 5;
      while (performance.now() < end);
      return slices === 0 ? bytes([1, [0]]) : undefined;
    },
    maintain() {
      done.push("maintain");
      return false;
    },
  });
  const replies = [];
  const session = new Session(working, scheduler, (response) => replies.push(response));
  session.handle({ kind: "calls", id: 1, message: bytes([]) });
  for (let turns = 0; turns < 20 && scheduler.due.length > 0; turns++) {
    scheduler.due.shift()();
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  assert.deepEqual(done, ["task", "task", "task", "maintain"]);
  assert.deepEqual(replies.map((reply) => Object.keys(reply).join()), ["id,answer", "finished"]);
});

test("a closed session does nothing more", () => {
  const scheduler = manual();
  const session = new Session(connection({ hasTasks: () => true, maintain: assert.fail }), scheduler, () => {});
  session.handle({ kind: "calls", id: 1, message: bytes([]) });
  session.handle({ kind: "close", id: 2 });
  while (scheduler.due.length > 0) scheduler.due.shift()();
});
