// The example that copies an IndexedDB database, on one that was made as Dexie makes them.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { serve } from "../../tools/serve.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

const examples = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "examples");
let server, browser, page;

before(async () => {
  server = await serve({ ...mounts, "/examples/": examples });
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

beforeEach(async () => {
  await page?.close();
  page = await openPage(browser.context, server.url);
  await page.evaluate(async () => {
    globalThis.example = await import("/examples/from-indexeddb.mjs");
    /** Makes an IndexedDB database: `stores` are `[name, options, indexes, records]`, records of them `[value, key]`. */
    globalThis.make = (name, stores) =>
      new Promise((resolve, reject) => {
        const request = indexedDB.open(name, 7);
        request.onupgradeneeded = () => {
          for (const [storeName, options, indexes, records] of stores) {
            const store = request.result.createObjectStore(storeName, options);
            for (const index of indexes) store.createIndex(...index);
            for (const record of records) store.put(...record);
          }
        };
        request.onerror = () => reject(request.error);
        request.onsuccess = () => resolve(request.result.close());
      });
    /** Opens a database, lets `use` do what it does, and removes it. */
    globalThis.within = async (name, use) => {
      const db = await ferrolite.Ferrolite.open(name);
      try {
        return await use(db);
      } catch (error) {
        return `${error.code ?? error.name}: ${error.message}`;
      } finally {
        await db.close();
        await ferrolite.Ferrolite.delete(name);
      }
    };
  });
});

test("stores become collections, and indexes indexes", async () => {
  const { report, again, collections, indexes, todos, users, byTag, sorted, events, next } = await page.evaluate(async () => {
    const todo = (number) => [{ text: `todo ${number}`, due: number % 7, done: number % 2, tags: [`t${number % 100}`, "all"] }];
    await make("app", [
      ["todos", { keyPath: "id", autoIncrement: true }, [
        ["due", "due"], ["tags", "tags", { multiEntry: true }], ["[done+due]", ["done", "due"]],
      ], Array.from({ length: 1234 }, (_, at) => todo(at + 1))],
      ["users", {}, [["email", "address.email", { unique: true }]], [
        [{ address: { email: "a@b" }, born: new Date(0), left: undefined }, "ann"], [{ name: "Ben" }, "ben"],
      ]],
      ["events", {}, [["whole", ""]], [[{ n: 1 }, [new Date(0), 2, "a/b%"]], [{ n: 2 }, [new Date(0), 10, "c"]]]],
      ["empty", {}, [], []],
    ]);
    return within("copy", async (db) => {
      const report = await example.copyIndexedDb("app", db);
      const todos = db.collection("todos");
      await todos.set("later", 1);
      return {
        report,
        again: await example.copyIndexedDb("app", db),
        collections: await db.collections(),
        indexes: [await todos.indexes(), await db.collection("users").indexes()],
        todos: [await todos.count(), await todos.get("0000000000001234"), await todos.has("later")],
        users: await db.collection("users").entries(),
        byTag: await todos.explain({ where: { tags: { contains: "t1" } } }),
        sorted: await todos.query({ where: { done: 1, due: { gte: 5 } }, orderBy: ["done", "due"], limit: 3, select: ["id", "due"] }),
        events: await db.collection("events").entries(),
        next: [await example.nextKey(db, "todos"), await example.nextKey(db, "todos")],
      };
    });
  });
  assert.deepEqual(report, { documents: { empty: 0, events: 2, todos: 1234, users: 2 }, skipped: ["events.whole"] });
  assert.deepEqual(again, report);
  assert.deepEqual(collections, ["events", "todos", "users"]);
  assert.deepEqual(indexes, [
    [
      { path: "done, due", paths: ["done", "due"], ready: true },
      { path: "due", ready: true },
      { path: "tags", multi: true, ready: true },
    ],
    [{ path: "address.email", unique: true, ready: true }],
  ]);
  const last = { id: 1234, text: "todo 1234", due: 2, done: 0, tags: ["t34", "all"] };
  assert.deepEqual(todos, [1235, last, true]);
  assert.deepEqual(users, [
    ["ann", { address: { email: "a@b" }, born: "1970-01-01T00:00:00.000Z" }],
    ["ben", { name: "Ben" }],
  ]);
  assert.deepEqual([byTag.index, byTag.rowsReturned], [["tags"], 13]);
  assert.deepEqual(sorted.map(({ value }) => [value.id, value.due]), [[5, 5], [19, 5], [33, 5]]);
  assert.deepEqual(events, [
    ["1970-01-01T00:00:00.000Z/0000000000000002/a%2Fb%25", { n: 1 }],
    ["1970-01-01T00:00:00.000Z/0000000000000010/c", { n: 2 }],
  ]);
  assert.deepEqual(next, ["0000000000001235", "0000000000001236"]);
});

test("what cannot be copied as it is says so, and options help", async () => {
  const [missing, names, negative, mapped, together, notJson, converted] = await page.evaluate(async () => {
    await make("odd", [["odd", {}, [["u", "u", { unique: true }]], [[{ u: null }, -1], [{ u: null }, -2]]]]);
    await make("same", [["same", {}, [], [[1, 7], [2, "0000000000000007"]]]]);
    await make("blobs", [["blobs", {}, [], [[{ bytes: new Uint8Array([1, 2]) }, "a"]]]]);
    const keyOf = (key) => `k${key}`;
    const documentOf = ({ u, ...rest }) => (u === null ? rest : { u, ...rest });
    return [
      await within("copy", (db) => example.copyIndexedDb("nothing", db)),
      (await indexedDB.databases()).map(({ name }) => name),
      await within("copy", (db) => example.copyIndexedDb("odd", db)),
      // Without documentOf the nulls would be equal values of a unique index.
      await within("copy", async (db) => [
        await example.copyIndexedDb("odd", db, { keyOf }).catch(({ code }) => code),
        await example.copyIndexedDb("odd", db, { keyOf, documentOf }),
        await db.collection("odd").keys(),
      ]),
      await within("copy", (db) => example.copyIndexedDb("same", db)),
      await within("copy", (db) => example.copyIndexedDb("blobs", db)),
      await within("copy", async (db) => {
        await example.copyIndexedDb("blobs", db, { documentOf: ({ bytes }) => ({ bytes: [...bytes] }) });
        return db.collection("blobs").get("a");
      }),
    ];
  });
  assert.equal(missing, "Error: there is no IndexedDB database nothing");
  assert.ok(!names.includes("nothing"));
  assert.match(negative, /^TypeError: .*-2.*keyOf/);
  assert.deepEqual(mapped, ["UniqueViolation", { documents: { odd: 2 }, skipped: [] }, ["k-1", "k-2"]]);
  assert.match(together, /1 keys of same fall together/);
  assert.match(notJson, /^InvalidValue: /);
  assert.deepEqual(converted, { bytes: [1, 2] });
});
