// What the documentation shows must compile, and what is wrong must not.
import {
  type ActiveTransaction, type CheckReport, type Cipher, type Encryption, Ferrolite, FerroliteError, type LostPart, type SalvageReport, type StorageFacts, Transaction,
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
  const facts: StorageFacts = db.storage;
  facts.kind satisfies "opfs" | "file" | "memory";

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
  const users: (User | undefined)[] = await db.getMany<User>(["user:1", "user:2"]);
  const all: User[] = await db.values<User>({ prefix: "user:" });
  const entries: [string, User][] = await db.entries<User>({ gte: "user:", lt: "user;", limit: 10, reverse: true });
  for await (const [key, document] of db.scan<User>({ prefix: "user:" })) {
    key satisfies string;
    document.name satisfies string;
  }

  const keys: string[] = await db.find("role", "admin");
  await db.find("age", { gte: 18, lt: 65 }, { reverse: true, limit: 10 });
  const isNew: boolean = await db.createIndex("address.city");
  const left: number | null | undefined = await db.ttl("user:2");
  await db.commit(new Transaction().set("k1", { n: 1 }).setEx("k2", null, 60).delete("k3"));
  const report: CheckReport = await db.check({ full: true });
  const syncs: number = (await db.stats()).io.syncs;
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
  void [anything, users, all, entries, keys, isNew, left, report, syncs, names, gone, parts, told, sum, swapped, before, renamed, count];
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
