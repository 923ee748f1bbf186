// The two ends of the protocol by themselves: gathering, answers that are none, engines that stop.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Channel } from "../dist/protocol/channel.js";
import { FerroliteError } from "../dist/error.js";
import { Session } from "../dist/protocol/session.js";
import { Outbox } from "../dist/tabs/outbox.js";
import { Saving } from "../dist/tabs/saving.js";
import { Watch, watchingKeys } from "../dist/api/watch.js";

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
      return slices === 0 ? [0, bytes([1, [0]])] : undefined;
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

test("each client gets its own answers, and the one whose call stops the engine is told", () => {
  const executed = [];
  const several = connection({
    join: (id) => id[0],
    leave: (client) => executed.push(["leave", client]),
    execute(client, number, isRepeated) {
      executed.push([client, number, isRepeated]);
      if (number === 9) throw new Error("panicked");
      return bytes([[0, client]]);
    },
    ask(client, number, isRepeated) {
      executed.push([client, number, isRepeated]);
      return JSON.stringify([[0, client]]);
    },
    watchesPassed: () => new Float64Array(0),
  });
  const said = { 1: [], 2: [] };
  const session = new Session(several, manual(), assert.fail);
  const stops = [];
  session.onStop = ({ code }, client) => stops.push([code, client]);
  for (const client of [1, 2]) {
    const reply = (response) => said[client].push(response);
    assert.equal(session.join(new Uint8Array(16).fill(client), false, reply), client);
  }
  session.handle({ kind: "calls", id: 5, message: bytes([]), repeated: true }, 2);
  session.handle({ kind: "calls", id: 5, message: bytes([]) }, 1);
  session.handle({ kind: "close", id: 6 }, 1);
  assert.deepEqual(executed, [[2, 5, true], [1, 5, false], [1, 6, false], ["leave", 1]]);
  session.handle({ kind: "calls", id: 7, message: bytes([]) }, 1);
  session.handle({ kind: "calls", id: 9, message: bytes([]) }, 2);
  assert.deepEqual(said[1], [{ id: 5, answer: bytes([[0, 1]]) }, { id: 6, value: undefined }]);
  assert.equal(said[2].length, 2);
  assert.equal(said[2][1].fatal.code, "Internal");
  assert.deepEqual(stops, [["Internal", 2]]);
});

test("what was not answered is sent to the next engine again, in order; what finds no room waits and shares messages", async () => {
  const port = () => ({ sent: [], postMessage(request) { this.sent.push(request); } });
  const outbox = new Outbox(() => channel.pump(), (id) => channel.receive({ id, error: { code: "Aborted", message: "too late" } }));
  const channel = new Channel((request) => outbox.push(request), () => outbox.isFull);
  const calls = [];
  for (let n = 0; n < 100; n++) {
    calls.push(channel.call(`[${n}]`));
    await turn();
  }
  const [first, second] = [port(), port()];
  outbox.connect(first);
  assert.deepEqual(first.sent.map(({ id, repeated }) => [id, repeated]), Array.from({ length: 16 }, (_, n) => [n + 1, undefined]));
  const answer = (id, count = 1) => {
    channel.receive({ id, answer: bytes(Array(count).fill([0, id])) });
    outbox.answered(id);
  };
  answer(2);
  assert.equal(first.sent.length, 17);
  assert.deepEqual(first.sent[16].message, bytes(Array.from({ length: 84 }, (_, n) => [n + 16])));
  outbox.disconnect();
  const later = channel.call('["later"]');
  await turn();
  outbox.connect(second);
  assert.deepEqual(second.sent.map(({ id, repeated }) => [id, repeated]), [1, ...Array.from({ length: 15 }, (_, n) => n + 3)].map((id) => [id, true]));
  for (const { id } of [...second.sent]) answer(id, id === 17 ? 84 : 1);
  assert.deepEqual(second.sent.slice(16).map(({ id, repeated }) => [id, repeated]), [[18, undefined]]);
  answer(18);
  assert.deepEqual(await later, [0, 18]);
  // After an hour the engines have forgotten what they have done.
  const [lost, kept] = [channel.call('["lost"]'), channel.call('["kept"]')];
  await turn();
  outbox.disconnect();
  const { now } = Date;
  Date.now = () => now() + 3_000_000 + 1;
  const third = port();
  outbox.connect(third);
  Date.now = now;
  assert.deepEqual(third.sent, []);
  for (const call of [lost, kept]) await assert.rejects(call, { code: "Aborted" });
  assert.deepEqual((await Promise.all(calls)).map(([, id]) => id), Array.from({ length: 100 }, (_, n) => Math.min(n + 1, 17)));
});

test("one abortable call is under way at a time; the others can leave the queue, and all keep their order", async () => {
  const sent = [];
  const channel = new Channel((request) => sent.push(JSON.parse(new TextDecoder().decode(request.message))));
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const calls = controllers.map(({ signal }, n) => channel.call(`["abortable",${n}]`, signal).catch(({ name }) => name));
  const write = channel.call('["write"]');
  await turn();
  assert.deepEqual(sent, [[["abortable", 0]]]);
  controllers[0].abort();
  controllers[1].abort();
  controllers[3].abort();
  assert.equal(await calls[1], "AbortError");
  assert.equal(await calls[3], "AbortError");
  channel.receive({ id: 1, answer: bytes([[0, "begun"]]) });
  assert.deepEqual(sent.slice(1), [[["abortable", 2]], [["write"]]]);
  assert.deepEqual(await calls[0], [0, "begun"], "what was sent ends as it would");
  channel.receive({ id: 2, answer: bytes([[0, 2]]) });
  channel.receive({ id: 3, answer: bytes([[0, "written"]]) });
  assert.deepEqual([await calls[2], await write], [[0, 2], [0, "written"]]);
  controllers[2].abort();
  channel.fail(new FerroliteError("Closed", "closed"));
  await assert.rejects(channel.call('["late"]', new AbortController().signal), { code: "Closed" });
});

test("watches are opened again at the next engine, and tell each change once", async () => {
  const texts = [];
  const answers = [];
  const channel = { watches: new Set(), epoch: 0 };
  const caller = {
    channel,
    call(text) {
      texts.push(text);
      return new Promise((resolve, reject) => answers.push({ resolve, reject }));
    },
  };
  // The script with the course of a watch is loaded before the first `watchNext`.
  const asked = async () => {
    while (answers.length === 0) await turn();
    return answers.shift();
  };
  const change = (key, version) => ({ kind: "set", key, version, oldVersion: 0 });
  const engineIsNew = () => {
    channel.epoch++;
    [...channel.watches].forEach((watch) => watch.renewed());
  };
  const watch = new Watch(caller, watchingKeys({ prefix: "a" }, {}));
  answers.shift().resolve([7, 3]);
  const next = watch.next();
  (await asked()).resolve([change("a1", 4), change("a2", 5), change("a3", 5)]);
  assert.equal((await next).value.key, "a1");
  // The commit 5 may have more to tell.
  engineIsNew();
  answers.shift().resolve([8, 4]);
  for (const key of ["a2", "a3"]) assert.equal((await watch.next()).value.key, key);
  const last = watch.next();
  (await asked()).resolve([change("a2", 5), change("a3", 5), change("a4", 5), change("a5", 6)]);
  assert.equal((await last).value.key, "a4");
  [...channel.watches].forEach((watch) => watch.passed(8, 90));
  engineIsNew();
  assert.deepEqual(texts, [
    '["watchOpen",{"prefix":"a"},{}]', '["watchNext",7]',
    '["watchOpen",{"prefix":"a"},{"since":4}]', '["watchNext",8]',
    '["watchOpen",{"prefix":"a"},{"since":90}]',
  ]);
  const ended = watch.return();
  answers.shift().resolve([9, 90]);
  await turn();
  answers.shift().resolve();
  await ended;
  assert.equal(channel.watches.size, 0);
});

test("a task keeps the process alive, also when a turn of maintenance is due", () => {
  const kept = [];
  const scheduler = manual();
  const soon = (work, keepAlive) => kept.push(keepAlive) && scheduler.soon(work);
  let tasks = 0;
  const engine = connection({ hasTasks: () => tasks > 0, maintain: () => false, step: () => void tasks-- });
  const session = new Session(engine, { ...scheduler, soon }, () => {});
  session.handle({ kind: "calls", id: 1, message: bytes([]) });
  const lastMessage = performance.now();
  while (performance.now() < lastMessage + 6);
  scheduler.due.shift()();
  assert.deepEqual(kept, [false]);
  tasks = 2;
  session.handle({ kind: "calls", id: 2, message: bytes([]) });
  assert.deepEqual(kept, [false, true]);
  session.handle({ kind: "calls", id: 3, message: bytes([]) });
  assert.deepEqual(kept, [false, true], "one is enough");
  while (scheduler.due.length > 0) scheduler.due.shift()();
  assert.equal(tasks, 0);
});

test("a closed session does nothing more", () => {
  const scheduler = manual();
  const session = new Session(connection({ hasTasks: () => true, maintain: assert.fail }), scheduler, () => {});
  session.handle({ kind: "calls", id: 1, message: bytes([]) });
  session.handle({ kind: "close", id: 2 });
  while (scheduler.due.length > 0) scheduler.due.shift()();
});

test("what a page has saved for others is not acknowledged", () => {
  const sent = [];
  const outbox = new Outbox(() => {}, () => {});
  outbox.connect({ postMessage: (request) => sent.push(request) });
  const push = (id) => outbox.push({ kind: "calls", id, message: "[]" });
  push(1);
  outbox.answered(1);
  push(2);
  const saving = (outbox.saver = new Saving(() => {}));
  saving.leave(outbox);
  outbox.answered(2);
  push(3);
  outbox.answered(3);
  saving.comeBack(outbox);
  push(4);
  assert.deepEqual(sent.map(({ id, answered }) => [id, answered]), [[1, 1], [2, 2], [3, 2], [4, 2]]);
});
