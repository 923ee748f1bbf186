// The code on the pages of the documentation and in the comments of js/src, line by line, but for its imports, its comments and
// the apps of examples/: a test asks that all of it is here. What is declared around it is what the pages take as given.
import {
  type ActiveTransaction, type Change, type Collection, Ferrolite, FerroliteError, type Query, type StandardSchema, Transaction,
} from "ferrolite";
import { useDocument, useQuery } from "ferrolite/react";
import { documentStore, queryStore, type Store } from "ferrolite/stores";
import { FerroliteSync } from "ferrolite/sync";
import { useEffect, useState } from "react";
import { onScopeDispose, shallowRef } from "vue";

import { copyIndexedDb, keyText, nextKey } from "../../../examples/from-indexeddb.mjs";

// Of the validators as much as is used.
interface Kind<T> {
  readonly output: T;
  min(length: number): Kind<T>;
  email(): Kind<T>;
}
type Made<S> = StandardSchema<{ [K in keyof S]: S[K] extends Kind<infer T> ? T : string }>;
declare const z: { string(): Kind<string>; number(): Kind<number>; object<S>(shape: S): Made<S> };
declare const v: {
  string(): Kind<string>;
  email(): Kind<string>;
  pipe<T>(...steps: Kind<T>[]): Kind<T>;
  object<S>(shape: S): Made<S>;
};
declare const type: <S>(shape: S) => Made<S>;

export async function readme(): Promise<void> {
  const db = await Ferrolite.open("notes"); // OPFS in a browser; the file notes.ferrolite in Node
  await db.set("user:1", { name: "Alice", age: 41, city: "Oslo" });
  await db.setMany([["user:2", { name: "Bob", age: 17, city: "Oslo" }], ["user:3", { name: "Eve", age: 35, city: "Rome" }]]);
  await db.createIndex("city");
  const adults = await db.query({ where: { city: "Oslo", age: { gte: 18 } }, orderBy: "age" });
  for (const { key, value } of adults) console.log(key, value);
  await db.transaction(async (tx) => (await tx.has("user:4")) || (await tx.set("user:4", { name: "Zoe" })));
  await db.close();
}

export async function readmeOfEncryption(): Promise<void> {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const db = await Ferrolite.open("secret", { encryption: { key, cipher: "chacha20-poly1305" } });
  await db.changeKey({ passphrase: "correct horse battery staple" });
  await db.rotateKey();
}

export async function packagePage(): Promise<void> {
  const db = await Ferrolite.open("notes");
  await db.set("user:1", { name: "alice", role: "admin", address: { city: "Oslo" } });
  await db.createIndex("address.city");
  await db.find("address.city", "Oslo");
  await db.commit(new Transaction().set("a", 1).setEx("b", 2, 60).delete("user:1"));
  await db.transaction(async (tx) => tx.set("a", (await tx.get<number>("a") ?? 0) + 1));
  await db.close();
}

export async function changing(db: Ferrolite): Promise<void> {
  await db.increment("visits");
  await db.increment("bytes", 2n ** 60n);
  const version = await db.set("draft", { text: "" }, { ifAbsent: true });
  await db.set("draft", { text: "Dear" }, { ifVersion: version });
  await db.compareAndSwap("lock", undefined, { owner: 1 });
  await db.patch("draft", [{ op: "replace", path: "/text", value: "Hello" }]);
  await db.mergePatch("draft", { text: null, title: "Hello" });
}

export async function bytes(db: Ferrolite, file: File, response: Response): Promise<Response> {
  await db.set("photo", new Uint8Array(await file.arrayBuffer()));
  await db.get("photo");
  if (response.body) await db.setStream("film", response.body);
  return new Response(await db.getStream("film"));
}

export async function lists(db: Ferrolite): Promise<void> {
  await db.push("jobs", "right", { id: 1 }, { id: 2 });
  await db.pop("jobs", "left");
  await db.range("jobs", 0, -1);
}

export async function transactions(db: Ferrolite): Promise<number> {
  const left = await db.transaction(async (tx) => {
    const [from, to] = await tx.getMany<{ cents: number }>(["account:1", "account:2"]);
    if (!from || !to || from.cents < 20) throw new Error("too little");
    await tx.set("account:1", { cents: from.cents - 20 });
    await tx.set("account:2", { cents: to.cents + 20 });
    return from.cents - 20;
  });
  return left;
}

export async function watching(db: Ferrolite, apply: (value: unknown) => void): Promise<void> {
  for await (const change of db.watch({ prefix: "user:" })) {
    console.log(change.kind, change.key, change.version, change.oldVersion, change.value);
  }

  const stop = db.watch({ key: "settings" }).subscribe((change) => apply(change.value));
  stop();
}

export async function history(lastVersion: number, apply: (change: Change) => void): Promise<void> {
  const db = await Ferrolite.open("notes", { changeHistory: { seconds: 7 * 86_400 } });
  for await (const change of db.watch({}, { since: lastVersion })) apply(change);
}

export async function encryption(): Promise<void> {
  const key = crypto.getRandomValues(new Uint8Array(32));
  const db = await Ferrolite.open("secret", { encryption: { key } });
  await db.changeKey({ passphrase: "correct horse battery staple", argon2: { memoryKib: 65536, iterations: 3 } });
  await db.rotateKey();
  key.fill(0);
}

export async function transfer(db: Ferrolite, fileHandle: FileSystemFileHandle): Promise<Ferrolite> {
  await (await db.export()).pipeTo(await fileHandle.createWritable());
  const copy = await Ferrolite.import("copy", await fileHandle.getFile());
  return copy;
}

export async function salvage(controller: AbortController): Promise<void> {
  const report = await Ferrolite.salvage("notes", "notes-recovered", {
    signal: controller.signal,
    onProgress: (done) => console.log(`${Math.round(done * 100)} %`),
  });
  report.complete;
  report.documents;
  report.uncertain;
  report.lost;
}

export async function zod(db: Ferrolite): Promise<void> {
  const users = db.collection("users", { validate: z.object({ name: z.string().min(1), email: z.string().email() }) });

  (await users.get("ann"))?.name;
  // @ts-expect-error: the page says so
  await users.set("ann", { name: 1 });
}

export function valibot(db: Ferrolite): Collection<{ name: string; email: string }> {
  const users = db.collection("users", { validate: v.object({ name: v.string(), email: v.pipe(v.string(), v.email()) }) });
  return users;
}

export function arkType(db: Ferrolite): Collection<{ name: string; email: string }> {
  const users = db.collection("users", { validate: type({ name: "string > 0", email: "string.email" }) });
  return users;
}

export async function migrations(db: Ferrolite): Promise<void> {
  const steps: ((tx: ActiveTransaction) => Promise<void>)[] = [
    (tx) => tx.set("settings", { theme: "light" }),
    async (tx) => tx.set("settings", { ...(await tx.get<object>("settings")), size: 12 }),
  ];
  await db.transaction(async (tx) => {
    const done = (await tx.get<number>("steps")) ?? 0;
    for (const [number, step] of steps.entries()) {
      if (number < done) continue;
      await step(tx);
      await tx.set("steps", number + 1);
    }
  });
}

export async function fromIndexedDb(): Promise<void> {
  const db = await Ferrolite.open("app");
  await copyIndexedDb("app", db);
  const todos = db.collection("todos");
  await todos.get(keyText(17));
  await todos.set(await nextKey(db, "todos"), { text: "new" });
}

interface Task { title: string; done: boolean; due: number }

export function App() {
  const [db, setDb] = useState<Ferrolite>();
  const [error, setError] = useState<Error>();
  useEffect(() => {
    const opening = new AbortController();
    const opened = Ferrolite.open("tasks", { signal: opening.signal });
    opened.then(setDb, (error) => opening.signal.aborted || setError(error));
    return () => {
      opening.abort();
      void opened.then((db) => db.close()).catch(() => {});
    };
  }, []);
  return error ? <p role="alert">{error.message}</p> : <Tasks db={db} />;
}

function Tasks({ db }: { db: Ferrolite | undefined }) {
  const title = useDocument<string>(db, "title");
  const tasks = useQuery<Task>(db, { keys: { prefix: "task:" }, where: { done: false }, orderBy: "due", limit: 50 });
  if (tasks.status === "loading") return <p>...</p>;
  if (tasks.status === "failed") return <p role="alert">{tasks.error.message}</p>;
  return (
    <>
      <h1>{title.value ?? "Tasks"}</h1>
      <ul>
        {tasks.value.map(({ key, value }) => (
          <li key={key} onClick={() => db?.mergePatch(key, { done: true })}>{value.title}</li>
        ))}
      </ul>
    </>
  );
}

export function vue(db: Ferrolite): void {
  function useStore<S>(store: Store<S>) {
    const state = shallowRef(store.get());
    onScopeDispose(store.subscribe((now) => (state.value = now)));
    return state;
  }

  const tasks = useStore(queryStore<Task>(db, { where: { done: false }, orderBy: "due" }));
  tasks.value.value?.[0]?.value.title satisfies string | undefined;
}

export async function breakingOff(db: Ferrolite, query: Query, signal: AbortSignal): Promise<number> {
  const rows = await db.query(query, { signal: AbortSignal.timeout(1000) });
  await db.compact({ signal });
  return rows.length;
}

export async function places(): Promise<Ferrolite> {
  const wasmModule = await WebAssembly.compileStreaming(fetch("/assets/ferrolite_bg.wasm"));
  const worker = () => new Worker("/assets/ferrolite-worker.js", { type: "module" });
  const db = await Ferrolite.open("notes", { wasmModule, worker });
  return db;
}

export function Notes() {
  useEffect(() => { const opening = Ferrolite.open("notes"); return () => void opening.then((db) => db.close()); }, []);
}

export async function storage(fetchEverythingAgain: (db: Ferrolite) => Promise<void>): Promise<void> {
  let db: Ferrolite;
  try {
    db = await Ferrolite.open("notes");
  } catch (error) {
    if (!(error instanceof FerroliteError && error.code === "Evicted")) throw error;
    db = await Ferrolite.open("notes");
    await fetchEverythingAgain(db);
  }
}

export async function facts(): Promise<void> {
  const db = await Ferrolite.open("notes");
  db.storage;
}

export async function tabs(): Promise<void> {
  const db = await Ferrolite.open("notes");
  await db.increment("visits");
  for await (const change of db.watch()) console.log(change.key);
}

// In the comments of js/src.

interface User { name: string; role: string; age: number }
interface Settings { title: string }

export async function comments(db: Ferrolite, handle: FileSystemFileHandle): Promise<number> {
  await db.commit(new Transaction().set("a", { n: 1 }).setEx("b", { n: 2 }, 60).delete("c"));
  await (await db.export()).pipeTo(await handle.createWritable());
  const rows = await db.query<User>({ where: { role: "admin", age: { gte: 18 } }, orderBy: "age", limit: 10 });
  for (const { key, value } of rows) console.log(key, value.name);
  const users = db.collection<User>("users");
  const checked = db.collection("users", { validate: z.object({ name: z.string(), age: z.number() }) });
  (await users.get("a"))?.role satisfies string | undefined;
  (await checked.get("a"))?.age satisfies number | undefined;
  const left = await db.transaction(async (tx) => {
    const account = await tx.get<{ cents: number }>("account:1");
    if (account === undefined || account.cents < 20) throw new Error("too little");
    await tx.set("account:1", { cents: account.cents - 20 });
    return account.cents - 20;
  });
  return left;
}

export function commentsOfSync(db: FerroliteSync): number {
  const rows = db.query<User>({ where: { role: "admin", age: { gte: 18 } }, orderBy: "age", limit: 10 });
  for (const { key, value } of rows) console.log(key, value.name);
  const left = db.transaction((tx) => {
    const account = tx.get<{ cents: number }>("account:1");
    if (account === undefined || account.cents < 20) throw new Error("too little");
    tx.set("account:1", { cents: account.cents - 20 });
    return account.cents - 20;
  });
  return left;
}

export async function commentsOfWatches(
  db: Ferrolite,
  show: (key: string, value: unknown) => void,
  hide: (key: string) => void,
  apply: (settings: Settings) => void,
): Promise<void> {
  for await (const change of db.watch({ prefix: "user:" })) console.log(change.kind, change.key, change.value);
  for await (const { added, changed, removed } of db.watchQuery({ where: { done: false }, orderBy: "due", limit: 20 })) {
    for (const { key, value } of [...added, ...changed]) show(key, value);
    for (const key of removed) hide(key);
  }
  const open = queryStore<Task>(db, { where: { done: false }, orderBy: "due", limit: 20 });
  open.get().value?.[0]?.value.due satisfies number | undefined;
  const settings = documentStore<Settings>(db, "settings");
  const stop = settings.subscribe(({ value }) => value && apply(value));
  stop();
}

export function Title({ db }: { db: Ferrolite | undefined }) {
  const { status, value, error } = useDocument<Settings>(db, "settings");
  if (status === "failed") return <p>{error.message}</p>;
  return <h1>{value?.title ?? "..."}</h1>;
}

export function List({ db }: { db: Ferrolite | undefined }) {
  const { value: tasks = [] } = useQuery<Task>(db, { where: { done: false }, orderBy: "due", limit: 20 });
  return <ul>{tasks.map(({ key, value }) => <li key={key}>{value.title}</li>)}</ul>;
}
