// Types of `ferrolite/sync`, `ferrolite/stores` and `ferrolite/react`.
import { type Collection, Ferrolite, FerroliteError, Transaction } from "ferrolite";
import { useDocument, useQuery } from "ferrolite/react";
import { documentStore, queryStore, type Store, type StoreState } from "ferrolite/stores";
import { FerroliteSync, type SyncCollection } from "ferrolite/sync";

interface Task {
  title: string;
  done: boolean;
  due: number;
}

export async function sync(): Promise<void> {
  using db = await FerroliteSync.open("notes", { durability: { periodic: 500 }, signal: AbortSignal.timeout(1000) });
  const version: number = db.set("a", { n: 1 }, { ttl: 5 });
  const task: Task | undefined = db.get<Task>("a");
  const tasks: SyncCollection<Task> = db.collection<Task>("tasks");
  // @ts-expect-error not a task
  tasks.set("a", { title: "a" });
  tasks.query({ where: { done: false }, select: ["title"] })[0]?.value.title satisfies string | undefined;
  for (const [key, { title }] of tasks.scan()) [key, title] satisfies [string, string];
  for (const piece of db.getStream("film") ?? []) piece satisfies Uint8Array;
  for (const chunk of db.export()) chunk satisfies Uint8Array;
  db.setStream("film", [new Uint8Array(1)]) satisfies number;
  // @ts-expect-error what has to be waited for is no source
  db.setStream("film", new Blob([]));
  const left: number = db.transaction((tx) => {
    tx.collection(tasks).set("b", { title: "b", done: false, due: 1 });
    return tx.count();
  });
  db.commit(new Transaction().collection(tasks).delete("b"));
  for await (const change of tasks.watch()) change.value?.title satisfies string | undefined;
  using snapshot = db.snapshot();
  snapshot.collection(tasks).values() satisfies Task[];
  db.close() satisfies void;
  // @ts-expect-error it is no promise
  db.get("a").then();
  void [version, task, left];
}

export function stores(db: Ferrolite | undefined, tasks: Collection<Task>, now: SyncCollection<Task>): void {
  const any: Store<unknown> = documentStore(db, "a");
  const task: Store<Task | undefined> = documentStore<Task>(db, "a");
  const own: Store<Task | undefined> = documentStore(tasks, "a");
  const values: Store<Task | undefined> = documentStore(now, "a");
  const stop: () => void = own.subscribe((state: StoreState<Task | undefined>) => {
    if (state.status === "ready") state.value satisfies Task | undefined;
    if (state.status === "failed") state.error satisfies FerroliteError;
    if (state.status === "loading") state.value satisfies undefined;
  });
  queryStore(tasks, { where: { done: false }, orderBy: "due" }).get().value?.[0]?.value.due satisfies number | undefined;
  queryStore<Task>(db, { where: { done: false } }).get().value?.[0]?.value.due satisfies number | undefined;
  // @ts-expect-error there is no such field
  queryStore(tasks, { where: { doen: false } });
  // @ts-expect-error not a path
  queryStore<Task>(db, { orderBy: "dew" });
  void [any, task, values, stop];
}

export function Tasks({ db, tasks }: { db: Ferrolite | undefined; tasks: Collection<Task> }) {
  const title = useDocument<string>(db, "title");
  const open = useQuery<Task>(db, { where: { done: false }, orderBy: "due", limit: 50 });
  const own = useQuery(tasks, { orderBy: "due" });
  own.value?.[0]?.value.title satisfies string | undefined;
  if (open.status === "loading") return <p>...</p>;
  if (open.status === "failed") return <p role="alert">{open.error.message}</p>;
  return (
    <ul title={title.value ?? "Tasks"}>
      {open.value.map(({ key, value }) => (
        <li key={key} onClick={() => db?.mergePatch(key, { done: true })}>{value.title}</li>
      ))}
    </ul>
  );
}
