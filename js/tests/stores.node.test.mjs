// Stores: Svelte's contract, by Svelte's own functions, Vue's refs, and what they tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Ferrolite } from "ferrolite";
import { documentStore, queryStore } from "ferrolite/stores";
import { FerroliteSync } from "ferrolite/sync";
import { derived, get } from "svelte/store";
import { computed, effectScope, onScopeDispose, shallowRef } from "vue";

import { counted } from "./support/counted.mjs";

/** A test with a database in memory. */
const withDatabase = (name, body) =>
  test(name, { timeout: 20_000 }, async () => {
    const { db, counts } = counted(await Ferrolite.open("stores", { storage: "memory" }));
    try {
      await body(db, counts);
    } finally {
      await db.close();
    }
  });

/** Waits until no watch is open: the end of a watch is answered a little later. The test's own time limit ends the wait. */
async function allClosed(counts) {
  while (counts.open > 0) await sleep(1);
}

/** Subscribes, and waits until what is told is as wanted. */
function told(store) {
  const states = [];
  let wake = () => {};
  const stop = store.subscribe((state) => {
    states.push(state);
    wake();
  });
  const until = async (isWanted) => {
    while (!isWanted(states.at(-1))) await new Promise((resolve) => (wake = resolve));
    return states.at(-1);
  };
  return { states, stop, until };
}

withDatabase("a document is told at once, and whenever it changes", async (db) => {
  const store = documentStore(db, "a");
  const { states, stop, until } = told(store);
  assert.deepEqual(states, [{ status: "loading", value: undefined, error: undefined }]);
  await until(({ status }) => status === "ready");
  assert.equal(states.at(-1).value, undefined);
  await db.set("a", { n: 1 });
  await until(({ value }) => value?.n === 1);
  await db.set("b", { n: 9 });
  await db.setEx("a", { n: 2 }, 0.05);
  await until(({ value }) => value?.n === 2);
  const kept = sleep(1000, undefined, { ref: true });
  await until(({ value }) => value === undefined);
  assert.deepEqual(states.map(({ value }) => value?.n), [undefined, undefined, 1, 2, undefined]);
  assert.equal(store.get(), states.at(-1));
  stop();
  await db.set("a", { n: 3 });
  await db.get("a");
  assert.deepEqual([states.length, store.get().status], [5, "loading"]);
  void kept;
});

withDatabase("all subscribers share one watch, which ends with the last of them", async (db, counts) => {
  const users = db.collection("users");
  const first = told(documentStore(db, "a"));
  const second = told(documentStore(db, "a"));
  await first.until(({ status }) => status === "ready");
  assert.equal(counts.opened, 1);
  assert.equal(second.states.at(-1), first.states.at(-1));
  const third = told(documentStore(users, "a"));
  await third.until(({ status }) => status === "ready");
  await db.set("a", 1);
  await first.until(({ value }) => value === 1);
  assert.deepEqual([second.states.at(-1).value, third.states.at(-1).value], [1, undefined]);
  first.stop();
  await sleep(1);
  assert.equal(counts.open, 1);
  // Who comes as the last one leaves goes on with the same.
  second.stop();
  const fourth = told(documentStore(db, "a"));
  assert.equal(fourth.states[0].value, 1);
  await sleep(1);
  assert.deepEqual(counts, { opened: 1, open: 1 });
  fourth.stop();
  fourth.stop();
  third.stop();
  await allClosed(counts);
  assert.equal(counts.open, 0);
});

withDatabase("a query is told in its order, and rows that stay are the same objects", async (db, counts) => {
  await db.setMany([["a", { n: 3 }], ["b", { n: 1 }], ["c", { n: 2 }]]);
  const keys = ({ value }) => value?.map(({ key }) => key).join("");
  const ordered = told(queryStore(db, { where: { n: { gt: 0 } }, orderBy: "n", limit: 3 }));
  const plain = told(queryStore(db, { where: { n: { gt: 0 } } }));
  await ordered.until((state) => keys(state) === "bca");
  await plain.until((state) => keys(state) === "abc");
  const [before] = ordered.states.at(-1).value;
  await db.set("a", { n: 1.5 });
  await ordered.until((state) => keys(state) === "bac");
  assert.equal(ordered.states.at(-1).value[0], before);
  await plain.until(({ value }) => value[0].value.n === 1.5);
  const same = plain.states.at(-1).value[1];
  await db.delete("c");
  await ordered.until((state) => keys(state) === "ba");
  await plain.until((state) => keys(state) === "ab");
  assert.equal(plain.states.at(-1).value[1], same);
  await db.setMany([["0", { n: 5 }], ["d", { n: 0.5 }]]);
  await ordered.until((state) => keys(state) === "dba");
  await plain.until((state) => keys(state) === "0abd");
  assert.deepEqual(plain.states.at(-1).value, await db.query({ where: { n: { gt: 0 } } }));
  assert.equal(counts.opened, 2);
  ordered.stop();
  plain.stop();
});

withDatabase("a query follows thousands of writes, and ends as the query itself", async (db) => {
  const query = { where: { n: { gte: 10 } }, orderBy: "n", limit: 5 };
  const { states, stop, until } = told(queryStore(db, query));
  await until(({ status }) => status === "ready");
  for (let n = 0; n < 3000; n++) void db.set(`k${n % 50}`, { n: (n * 7919) % 997 });
  await db.set("last", { n: 10.5 });
  const end = await db.query(query);
  await until(({ value }) => JSON.stringify(value) === JSON.stringify(end));
  assert.ok(states.length < 200, String(states.length));
  stop();
});

withDatabase("errors are told, and a closed database is one", async (db) => {
  const code = async (store) => {
    const { stop, until } = told(store);
    const { error } = await until(({ status }) => status === "failed");
    stop();
    return [error.name, error.code];
  };
  assert.deepEqual(await code(documentStore(db, "")), ["FerroliteError", "InvalidKey"]);
  assert.deepEqual(await code(queryStore(db, { offset: 1 })), ["FerroliteError", "InvalidOptions"]);
  assert.deepEqual(await code(queryStore(db, { where: { n: { near: 1, gte: 2 } } })), ["FerroliteError", "InvalidCondition"]);
  assert.deepEqual(await code(queryStore(db, { wher: 1 })), ["FerroliteError", "InvalidOptions"]);
  await db.set("a", 1);
  const { until, states } = told(documentStore(db, "a"));
  await until(({ value }) => value === 1);
  await db.close();
  const { error, value } = await until(({ status }) => status === "failed");
  assert.deepEqual([error.code, value, states.length], ["Closed", 1, 3]);
  assert.deepEqual(await code(documentStore(db, "b")), ["FerroliteError", "Closed"]);
});

test("who falls behind begins anew", { timeout: 20_000 }, async () => {
  const { db, counts } = counted(await Ferrolite.open("behind", { storage: "memory", watchBuffer: 2000 }));
  const { stop, until } = told(documentStore(db, "a"));
  await until(({ status }) => status === "ready");
  for (let round = 0; round < 20 && counts.opened < 2; round++) {
    for (let n = 0; n < 300; n++) void db.set(n % 2 ? "a" : `other ${n}`, { n });
    void db.set("a", "last");
    await until(({ value }) => value === "last");
  }
  assert.ok(counts.opened > 1, "the watch has never fallen behind");
  stop();
  await db.close();
});

withDatabase("what a subscriber throws is not for the others", async (db) => {
  const thrown = [];
  const listen = (error) => thrown.push(error.message);
  // The test runner listens, too.
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", listen);
  try {
    let isOn = false;
    documentStore(db, "a").subscribe(() => {
      if (isOn) throw new Error("of a subscriber");
    });
    const { until } = told(documentStore(db, "a"));
    await until(({ status }) => status === "ready");
    isOn = true;
    await db.set("a", 1);
    await until(({ value }) => value === 1);
    while (thrown.length === 0) await sleep(1);
    isOn = false;
    assert.deepEqual(thrown, ["of a subscriber"]);
  } finally {
    process.off("uncaughtException", listen);
    for (const other of others) process.on("uncaughtException", other);
  }
});

withDatabase("Svelte's own functions take it", async (db) => {
  await db.set("a", { n: 1 });
  const store = documentStore(db, "a");
  assert.equal(get(store).status, "loading");
  const { stop, until } = told(store);
  await until(({ status }) => status === "ready");
  assert.deepEqual(get(store).value, { n: 1 });
  const doubled = derived(store, ({ value }) => (value?.n ?? 0) * 2);
  const seen = [];
  const end = doubled.subscribe((n) => seen.push(n));
  await db.set("a", { n: 5 });
  await until(({ value }) => value.n === 5);
  end();
  assert.deepEqual(seen, [2, 10]);
  stop();
});

withDatabase("Vue takes it by a few lines", async (db, counts) => {
  // The guide shows this function.
  function useStore(store) {
    const state = shallowRef(store.get());
    onScopeDispose(store.subscribe((now) => (state.value = now)));
    return state;
  }
  const scope = effectScope();
  const { state, label } = scope.run(() => {
    const state = useStore(documentStore(db, "a"));
    return { state, label: computed(() => `${state.value.status} ${state.value.value}`) };
  });
  assert.equal(label.value, "loading undefined");
  while (state.value.status === "loading") await sleep(1);
  await db.set("a", 7);
  while (state.value.value !== 7) await sleep(1);
  assert.equal(label.value, "ready 7");
  scope.stop();
  await allClosed(counts);
  assert.equal(counts.open, 0);
});

test("it follows a FerroliteSync, and tells nothing without a database", { timeout: 20_000 }, async () => {
  const db = await FerroliteSync.open("sync", { storage: "memory" });
  const kept = setInterval(() => {}, 1000);
  const rows = told(queryStore(db, { orderBy: "n" }));
  const document = told(documentStore(db, "b"));
  db.setMany([["a", { n: 2 }], ["b", { n: 1 }]]);
  await rows.until(({ value }) => value?.[0]?.key === "b");
  await document.until(({ value }) => value?.n === 1);
  rows.stop();
  document.stop();
  db.close();
  clearInterval(kept);
  const nothing = told(documentStore(undefined, "a"));
  assert.deepEqual(nothing.states.map(({ status }) => status), ["loading"]);
  nothing.stop();
});
