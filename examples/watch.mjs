// A to-do list that is shown as it changes.
import { Ferrolite } from "ferrolite";

const options = { changeHistory: { seconds: 3600 } };
let db = await Ferrolite.open("todo", options);
let todos = db.collection("todos");
await todos.createIndex("due");
await todos.set("t1", { text: "water the plants", due: 3, done: false });

/** What comes of a watch until `isEnough`. */
async function take(watch, isEnough) {
  const taken = [];
  for await (const next of watch) {
    taken.push(next);
    if (isEnough(taken)) break;
  }
  return taken;
}

// A query that stays open: first what it finds, then what becomes of it.
const view = new Map();
const shown = todos.watchQuery({ where: { done: false }, orderBy: "due", limit: 2 });
const show = ({ added, changed, removed }) => {
  for (const key of removed) view.delete(key);
  for (const { key, value } of [...added, ...changed]) view.set(key, value.text);
  console.log("shown:", [...view.values()].join(", "));
};
show((await shown.next()).value);
await todos.setMany([["t2", { text: "buy bread", due: 1, done: false }], ["t3", { text: "call Ben", due: 2, done: false }]]);
show((await shown.next()).value); // two at most: the plants have made room
await todos.mergePatch("t2", { done: true });
show((await shown.next()).value); // and are back
await shown.return();

// Every change, in order, with its old and its new version.
const changes = take(todos.watch({ prefix: "t" }), ({ length }) => length === 2);
await todos.set("t4", { text: "read", due: 9, done: false });
await todos.delete("t1");
for (const { kind, key, value } of await changes) console.log(kind, key, value?.text);

// Who was away goes on behind the last version that was seen: the changes are in the file.
const seen = (await changes).at(-1).version;
await todos.set("t3", { text: "call Ben again", due: 2, done: false });
await db.close();
db = await Ferrolite.open("todo", options);
todos = db.collection("todos");
const [missed] = await take(todos.watch({}, { since: seen }), () => true);
console.log("missed:", missed.kind, missed.key);
await db.close();
