// A to-do list that is shown as it changes.
import { Ferrolite } from "ferrolite";

/** @typedef {{ text: string, due: number, done: boolean }} Todo */

const options = { changeHistory: { seconds: 3600 } };
let db = await Ferrolite.open("todo", options);
/** @type {import("ferrolite").Collection<Todo>} */
let todos = db.collection("todos");
await todos.createIndex("due");
await todos.set("t1", { text: "water the plants", due: 3, done: false });

/**
 * The first `count` that come of a watch.
 * @template T
 * @param {AsyncIterable<T>} watch
 * @param {number} count
 */
async function take(watch, count) {
  const taken = [];
  for await (const next of watch) {
    taken.push(next);
    if (taken.length === count) break;
  }
  return taken;
}

// A query that stays open: first what it finds, then what becomes of it.
const view = new Map();
const shown = todos.watchQuery({ where: { done: false }, orderBy: "due", limit: 2 });
async function show() {
  const { value: changes } = await shown.next();
  if (changes === undefined) return; // the database was closed
  for (const key of changes.removed) view.delete(key);
  for (const { key, value } of [...changes.added, ...changes.changed]) view.set(key, value.text);
  console.log("shown:", [...view.values()].join(", "));
}
await show();
await todos.setMany([["t2", { text: "buy bread", due: 1, done: false }], ["t3", { text: "call Ben", due: 2, done: false }]]);
await show(); // two at most: the plants have made room
await todos.mergePatch("t2", { done: true });
await show(); // and are back
await shown.return();

// Every change, in order, with its old and its new version.
const changes = take(todos.watch({ prefix: "t" }), 2);
await todos.set("t4", { text: "read", due: 9, done: false });
await todos.delete("t1");
let seen = 0;
for (const { kind, key, value, version } of await changes) {
  console.log(kind, key, value?.text);
  seen = version;
}

// Who was away goes on behind the last version that was seen: the changes are in the file.
await todos.set("t3", { text: "call Ben again", due: 2, done: false });
await db.close();
db = await Ferrolite.open("todo", options);
todos = db.collection("todos");
for (const { kind, key } of await take(todos.watch({}, { since: seen }), 1)) console.log("missed:", kind, key);
await db.close();
