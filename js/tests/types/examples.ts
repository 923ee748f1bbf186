// What the documentation shows must compile, and what is wrong must not.
import {
  type ActiveTransaction, type Change, type CheckReport, type Cipher, type Collection, type Encryption, Ferrolite, FerroliteError,
  type Latency, type LostPart, type Query, type QueryPage, type Row, type RowChanges, type SalvageReport, type StandardSchema,
  type StorageFacts, Transaction, type VersionedDocument, type Watch,
} from "ferrolite";

interface User {
  name: string;
  role: "admin" | "user";
  age?: number;
}

export async function examples(): Promise<void> {
  await using db = await Ferrolite.open("notes", {
    storage: "auto",
    durability: { periodic: 500 },
    cacheSize: 8 << 20,
    memtableSize: 4 << 20,
    compression: "lz4",
  });
  const wasmModule = await WebAssembly.compileStreaming(fetch("/engine.wasm"));
  await Ferrolite.open("loaded", { wasmModule, worker: () => new Worker("/worker.js", { type: "module" }) });
  await Ferrolite.salvage("loaded", "salvaged", { wasmUrl: new URL("https://example.com/engine.wasm") });
  // @ts-expect-error A worker is no address.
  await Ferrolite.open("loaded", { worker: "/worker.js" });
  const facts: StorageFacts = db.storage;
  facts.kind satisfies "opfs" | "indexeddb" | "file" | "memory";
  const isKept: boolean = await Ferrolite.persist();
  const { quota }: { readonly quota?: number } = await db.storageFacts();

  const version: number = await db.set("user:1", { name: "alice", role: "admin" });
  await db.set("user:2", { name: "bob" }, { ttl: 60 });
  await db.set("user:2", { name: "bob" }, { ttl: 60, ifVersion: version, ifAbsent: false });
  await db.setEx("session:1", { version }, 60);
  const sum: number | bigint = await db.increment("visits");
  await db.increment("visits", 2n ** 40n);
  await db.set("photo", new Uint8Array([1, 2]), { ttl: 60 });
  await db.setStream("film", new Blob(["a"]), { ttl: 60 });
  (await db.getStream("film")) satisfies ReadableStream<Uint8Array> | undefined;
  const length: number = await db.push("jobs", "right", { id: 1 }, 2);
  (await db.pop<User>("jobs", "left")) satisfies User | undefined;
  (await db.range<number>("jobs", 0, length)) satisfies number[];
  const swapped: boolean = await db.compareAndSwap("k", undefined, { n: 1 });
  const before: User | undefined = await db.getAndSet<User>("user:1", null);
  const renamed: boolean = await db.rename("a", "b");
  await db.patch("user:1", [{ op: "replace", path: "/name", value: "bob" }, { op: "remove", path: "/age" }]);
  await db.mergePatch("user:1", { age: null });
  const count: number = await db.transaction(async (tx: ActiveTransaction) => {
    const found: User | undefined = await tx.get<User>("user:1");
    await tx.set("user:2", found ?? null, { ttl: 60 });
    return (await tx.entries<User>({ prefix: "user:" })).length;
  }, { retries: 3 });
  await db.setMany([["a", 1], ["b", { c: [true, null] }]]);
  await db.setMany(new Map<string, User>(), { ttl: 1.5 });

  const user: User | undefined = await db.get<User>("user:1");
  user?.role satisfies "admin" | "user" | undefined;
  const anything: unknown = await db.get("user:1");
  const typed = db.collection<User>("users");
  await typed.set("a", { name: "alice", role: "admin" }, { keepTtl: true });
  // @ts-expect-error: not a role
  await typed.set("a", { name: "alice", role: "boss" });
  const found: User | undefined = await typed.get("a");
  const versioned: VersionedDocument<User> | undefined = await typed.getDocument("a");
  versioned?.expiresAt satisfies Date | undefined;
  for await (const [, document] of typed.scan()) document.role satisfies "admin" | "user";
  const checked = db.collection("checked", { validate: {} as StandardSchema<{ n: string }, { n: number }> });
  await checked.set("a", { n: "1" });
  // @ts-expect-error: what the validator takes is text
  await checked.set("a", { n: 1 });
  (await checked.get("a"))?.n satisfies number | undefined;
  db.collection<User>("users", { validate: {} as StandardSchema<unknown, User> }) satisfies Collection<User, unknown>;
  await db.commit(new Transaction().set("k", 1).collection(typed).set("b", { name: "bob", role: "user" }));
  // @ts-expect-error: not a user
  new Transaction().collection(typed).set("b", { name: "bob" });
  await db.transaction(async (tx) => {
    const user: User | undefined = await tx.collection(typed).get("a");
    // @ts-expect-error: not a user
    await tx.collection(typed).set("b", { name: user?.name });
    await tx.collection(checked).set("c", { n: "2" });
    (await tx.collection("any").get("a")) satisfies unknown;
  });
  await using snapshot = await db.snapshot();
  (await snapshot.collection(typed).get("a"))?.role satisfies "admin" | "user" | undefined;
  const collections: string[] = await db.collections();
  const dropped: boolean = await db.dropCollection("users");
  void [found, collections, dropped];
  const users: (User | undefined)[] = await db.getMany<User>(["user:1", "user:2"]);
  const all: User[] = await db.values<User>({ prefix: "user:" });
  const entries: [string, User][] = await db.entries<User>({ gte: "user:", lt: "user;", limit: 10, reverse: true });
  for await (const [key, document] of db.scan<User>({ prefix: "user:" })) {
    key satisfies string;
    document.name satisfies string;
  }

  for await (const change of db.watch<User>({ prefix: "user:" }, { since: version, signal: AbortSignal.timeout(1) })) {
    change satisfies Change<User>;
    change.value?.role satisfies "admin" | "user" | undefined;
  }
  const settings: Watch<Change> = db.watch({ key: "settings" }, { values: false });
  const stop: () => void = settings.subscribe(({ kind, oldVersion }) => [kind, oldVersion], (error) => error);
  stop();
  await using admins = db.watchQuery<User>({ where: { role: "admin" }, limit: 10 });
  const next: IteratorResult<RowChanges<User>, undefined> = await admins.next();
  next.value?.added.map(({ key, value }) => [key, value.name]);
  await Ferrolite.open("notes", { changeHistory: { seconds: 60 }, watchBuffer: 1 << 20 });

  const keys: string[] = await db.find("role", "admin");
  await db.find("age", { gte: 18, lt: 65 }, { reverse: true, limit: 10 });
  const isNew: boolean = await db.createIndex("address.city");
  const left: number | null | undefined = await db.ttl("user:2");
  await db.commit(new Transaction().set("k1", { n: 1 }).setEx("k2", null, 60).delete("k3"));
  const report: CheckReport = await db.check({ full: true });
  const syncs: number = (await db.stats()).io.syncs;
  const slow: readonly Latency[] = (await db.stats()).latencies?.filter((latency) => latency.p99 > 1000) ?? [];
  const largest: number = Math.max(...(await db.stats()).spaces.map((space) => space.bytes));
  const names: string[] = await Ferrolite.list();
  const salvaged: SalvageReport = await Ferrolite.salvage("notes", "recovered", {
    signal: new AbortController().signal,
    onProgress: (done) => done satisfies number,
  });
  const parts: readonly LostPart[] = salvaged.lost;
  const damaged = await Ferrolite.open("notes", { readOnly: true, allowDamage: true });
  const told: readonly string[] = (await damaged.stats()).damage;
  const gone: boolean = await Ferrolite.delete("notes");

  try {
    await db.flush();
  } catch (error) {
    if (error instanceof FerroliteError && error.code === "StorageFull") throw error;
  }
  void [isKept, quota, slow, largest, anything, users, all, entries, keys, isNew, left, report, syncs, names, gone, parts, told, sum, swapped, before, renamed, count];
}

export async function encrypted(key: Uint8Array): Promise<void> {
  const encryption: Encryption = { passphrase: "correct horse battery staple", argon2: { memoryKib: 65_536 } };
  const db = await Ferrolite.open("secret", { encryption: { key, cipher: "chacha20-poly1305" } });
  await db.changeKey(encryption);
  await db.rotateKey();
  const facts = (await db.stats()).encryption;
  const cipher: Cipher | undefined = facts?.cipher;
  const lanes: number | undefined = facts?.argon2?.lanes;
  await db.close();
  await Ferrolite.salvage("secret", "recovered", { encryption });
  await Ferrolite.open("plain", { encryption: undefined }).catch((error: FerroliteError) => error.code === "KeyRequired");
  void [cipher, lanes];
}

export async function mistakes(db: Ferrolite): Promise<void> {
  // @ts-expect-error a key is a string
  await db.get(5);
  // @ts-expect-error there is no such option
  await db.set("a", 1, { tll: 5 });
  // @ts-expect-error many documents have no one version
  await db.setMany([["a", 1]], { ifVersion: 1 });
  // @ts-expect-error there is no such operation
  await db.patch("a", [{ op: "insert", path: "/a", value: 1 }]);
  // @ts-expect-error a move has two paths
  await db.patch("a", [{ op: "move", path: "/a" }]);
  // @ts-expect-error a transaction writes by tx
  await db.transaction(new Transaction());
  // @ts-expect-error there is no such bound
  await db.keys({ from: "a" });
  // @ts-expect-error bounds are of one type
  await db.find("age", { gt: 1, lt: "b" });
  // @ts-expect-error a watch has no limit
  db.watch({ prefix: "a", limit: 1 });
  // @ts-expect-error one key, or a range
  db.watch({ key: "a", prefix: "b" });
  // @ts-expect-error there is no such storage
  await Ferrolite.open("notes", { storage: "tape" });
  // @ts-expect-error there is no such durability
  await Ferrolite.open("notes", { durability: "sometimes" });
  // @ts-expect-error the document may be missing
  const user: User = await db.get<User>("user:1");
  // @ts-expect-error a transaction is an instance of its class
  await db.commit({ set: [] });
  // @ts-expect-error a key or a passphrase, not both
  await Ferrolite.open("notes", { encryption: { key: new Uint8Array(32), passphrase: "p" } });
  // @ts-expect-error a key is bytes
  await db.changeKey({ key: "00" });
  // @ts-expect-error there is no such cipher
  await db.changeKey({ passphrase: "p", cipher: "rot13" });
  // @ts-expect-error there is no such code
  const code: FerroliteError["code"] = "Whatever";
  // @ts-expect-error what is open is made by open
  new Ferrolite();
  void [user, code];
}

interface Person {
  name: string;
  age?: number;
  tags: string[];
  address: { city: string; geo?: { lat: number } };
}

export async function queries(db: Ferrolite): Promise<void> {
  await db.createIndex("role");
  await db.createIndex(["role", "age"], { unique: true });
  await db.createIndex("tags", { multi: true });
  await db.dropIndex(["role", "age"]);
  const adults: Query<Person> = {
    keys: { prefix: "person:" },
    where: {
      name: { startsWith: "a", ne: "alice" },
      age: { gte: 18, lt: 65 },
      "address.city": { in: ["Oslo", "Bergen", null] },
      "address.geo.lat": { exists: true },
      tags: { contains: "remote" },
      or: [{ age: 5 }, { not: { name: "bob" } }],
    },
    orderBy: ["age", { path: "address.city", reverse: true }],
    limit: 10,
    select: ["name", "address.city"],
  };
  const page: QueryPage<Person> = await db.queryPage(adults);
  const found: Row<Person>[] = await db.query(adults);
  page.rows[0]?.value.address.city satisfies string | undefined;
  const next: Person[] = (await db.query({ ...adults, after: page.cursor })).map((row) => row.value);
  const first: Person | undefined = (await db.findOne<Person>({ where: { name: "alice" } }))?.value;
  const rows: number = await db.count<Person>({ where: { age: { gte: 18 } } });
  const anything = await db.query({ where: { whatever: { gte: 1 } }, orderBy: "x.y" });
  anything[0]?.value satisfies unknown;
  (await db.explain(adults)).order satisfies "index" | "key" | "sort";
  (await db.findPage("age", { gte: 18 }, { limit: 10, offset: 5 })).keys satisfies string[];
  await db.transaction(async (tx) => (await tx.query<Person>({ where: { age: 5 } })).length + (await tx.count({ offset: 1 })));

  // @ts-expect-error there is no such field
  const noField: Query<Person> = { where: { nam: "alice" } };
  // @ts-expect-error a name is a string
  const noString: Query<Person> = { where: { name: 5 } };
  // @ts-expect-error there is no such path
  const noPath: Query<Person> = { orderBy: "address.zip" };
  // @ts-expect-error there is no such operator
  const noOperator: Query<Person> = { where: { age: { above: 5 } } };
  // @ts-expect-error a tag is a string
  const noTag: Query<Person> = { where: { tags: { contains: 5 } } };
  const byAddress: Query<Person> = { where: { address: { eq: { city: "Oslo" } } } };
  // @ts-expect-error an object consists of operators
  const noObject: Query<Person> = { where: { address: { city: "Oslo" } } };
  // @ts-expect-error there is no such operator, whatever the type of the document
  await db.query({ where: { age: { $gte: 5 } } });
  await db.query({ where: { tags: ["a"], since: new Date(0), name: null, ".$ref": true } });
  console.log(found, next, first, rows, noField, noString, noPath, noOperator, noTag, byAddress, noObject);
}
