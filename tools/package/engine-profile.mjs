// Which functions of the engine a program needs that has just begun: it opens a database, writes, reads, finds, closes.
//
//   node tools/package/engine-profile.mjs FOLDER         where the instrumented engine is, `ferrolite_bg.wasm`
//
// Prints their indices, one a line. `tools/split-wasm` puts them into the part that is loaded first.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { bindings } from "./bindings.mjs";

const js = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "js");
const script = join(resolve(process.argv[2]), "profile.mjs");
// What a browser's worker runs, over Node's files: a session with a client that has joined.
const contents = `
  export { Channel } from "./protocol/channel.js";
  export { Database } from "./api/database.js";
  export { default as init, Connection } from "./protocol/ferrolite.js";
  export { loadEngine, scheduler } from "./node/engine.js";
  export { NodeHost } from "./node/files.js";
  export { Outbox } from "./tabs/outbox.js";
  export { Session } from "./protocol/session.js";
  export { Transaction } from "./api/transaction.js";
`;
await createRequire(join(js, "package.json"))("esbuild").build({
  stdin: { contents, resolveDir: join(js, "src") },
  outfile: script,
  bundle: true,
  format: "esm",
  platform: "node",
  plugins: [bindings],
});
const { Channel, Connection, Database, init, loadEngine, NodeHost, Outbox, scheduler, Session, Transaction } = await import(
  pathToFileURL(script)
);
const folder = mkdtempSync(join(tmpdir(), "ferrolite-profile-"));
const path = join(folder, "profile.ferrolite");
const task = (number) => ({
  title: `task ${number}`,
  done: number % 3 === 0,
  priority: number % 5,
  ratio: number / 7,
  tags: ["a", `t${number % 11}`],
  due: { day: `2026-01-${String((number % 28) + 1).padStart(2, "0")}` },
  note: number % 100 === 0 ? "long ".repeat(2000) : null,
});
const key = (number) => `task:${String(number).padStart(6, "0")}`;

/** The functions that were called, and the marks by which the engine says so. */
const called = new Set();
let marks = [];

function take() {
  for (const [name, mark] of marks) if (mark.value === 1) called.add(name);
}

function forget() {
  for (const [, mark] of marks) mark.value = 0;
}

/** What nearly every program does before anything else; what needs more may wait until the rest is there. */
async function begin(count, isSuccessor) {
  const host = new NodeHost();
  const connection = await Connection.open(host, path, {}, undefined, undefined);
  connection.keepChanges(isSuccessor);
  connection.opens(undefined, undefined);
  connection.letterTerms();
  const session = new Session(connection, scheduler, () => {});
  const client = session.join(new Uint8Array(16).fill(1), false, (response) => {
    channel.receive(response);
    if ("id" in response) outbox.answered(response.id);
  });
  // As clients send: each message says which answers have come.
  const outbox = new Outbox(
    () => channel.pump(),
    () => {},
  );
  outbox.connect({ postMessage: (request) => session.handle(request, client) });
  const channel = new Channel(
    (request) => outbox.push(request),
    () => outbox.isFull,
  );
  const db = new Database(channel, {}, () => {});
  await db.set("first", { hello: "world" });
  await db.get("first");
  await db.get("missing");
  await db.has("first");
  for (let from = 0; from < count; from += 500) {
    const numbers = Array.from({ length: 500 }, (_, at) => from + at);
    await Promise.all(numbers.map((number) => db.set(key(number), task(number))));
    await Promise.all(numbers.map((number) => db.get(key((number * 7) % count))));
  }
  await db.commit(new Transaction().set("a", 1).set("b", [true, null, 1.5]).delete("first"));
  await db.setMany([
    ["c", "text"],
    ["d", { e: 1 }],
  ]);
  // Many at once take other ways than few: in sorting, for one.
  await db.setMany(Array.from({ length: 4 * count }, (_, number) => [`many:${(number * 7919) % count}`, { priority: number }]));
  await db.getMany(Array.from({ length: count }, (_, number) => `many:${number}`));
  await db.getMany(["a", "b", "c", "missing"]);
  connection.ask(0, 0, false, 0, '[["get","a"]]', Infinity);
  await db.delete("a");
  await db.count();
  for await (const entry of db.scan({ prefix: "task:", limit: 600 })) void entry;
  const tasks = db.collection("tasks");
  await tasks.set("one", task(1));
  await tasks.get("one");
  // Closing comes last, when the rest is there.
  take();
  await db.close();
  session.close();
  host.closeAll();
}

/** What a program does that finds a database of its own: it says again which indexes there are, and reads. */
async function beginAgain(path, indexes) {
  const create = indexes.map((path) => `["createIndex","${path}"]`);
  const opened = async (options, calls) => {
    const host = new NodeHost();
    const connection = await Connection.open(host, path, options, undefined, undefined);
    connection.ask(0, 1, false, 0, `[${calls}]`, Infinity);
    while (connection.hasTasks()) connection.step();
    return () => {
      connection.close();
      host.closeAll();
    };
  };
  // It grows from one time to the next, and has many tables in the end: what there are few of is not sorted as many are.
  for (let from = 0; from < 16_000; from += 500) {
    const tasks = Array.from({ length: 500 }, (_, at) => [key(from + at), task(from + at)]);
    // Building indexes may wait, and so may writing.
    (await opened({ memtableSize: 16 << 10 }, [...create, `["setMany",${JSON.stringify(tasks)}]`]))();
    forget();
    const close = await opened({}, [...create, `["get","${key(1)}"]`]);
    take();
    close();
  }
}

try {
  await loadEngine();
  marks = Object.entries(await init({})).filter(([name]) => name.startsWith("called "));
  await begin(1000, false);
  forget();
  await begin(1000, true);
  await beginAgain(path, ["priority", "due.day"]);
  await beginAgain(join(folder, "grown.ferrolite"), ["priority", "due.day"]);
  (await Connection.open(undefined, "options", {}, undefined, undefined)).close();
  for (const name of called) console.log(name.slice("called ".length));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
