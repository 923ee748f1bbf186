/**
 * Where a database of a browser is: in the origin's private file system (OPFS), and where there is none that works, in
 * IndexedDB. One that exists stays where it is. Memory is never chosen unless it was asked for.
 */
import { FerroliteError } from "../error.js";
import { fileName } from "./file-name.js";
import type { Host } from "../protocol/host.js";
import { memoryFacts, type StorageOptions } from "../arguments/storage-options.js";
import * as opfs from "./opfs.js";
import type { DurableKind, Response } from "../protocol/protocol.js";
import type { StorageFacts } from "../types.js";
import { browserFacts } from "./facts.js";
import * as indexedDb from "./indexeddb.js";
// Not by `import()`, though most browsers never need it: there are bundlers that cannot divide a worker (Vite up to version 7).
import { IndexedDbHost } from "./indexeddb-host.js";
import { doesNotWork, unsupported } from "./capabilities.js";

type Post = (response: Response, transfer: ArrayBuffer[]) => void;

/** Where a database is to be opened. */
export interface Place {
  /** Its files; `undefined` in memory. */
  readonly host: Host | undefined;
  /** The name of its file. */
  readonly file: string;
  /** What the browser tells of it, on its way. */
  readonly facts: Promise<StorageFacts>;
  /** Makes of `post` what sends an answer when all that it tells of is stored. */
  ordered(post: Post): Post;
  /** Checks soon whether the database still exists, for a page that is seen again. */
  look(): void;
  /** The state of the open file when it was opened, where answers have the number of a state. */
  openedAt(): number | undefined;
}

export interface Wish extends StorageOptions {
  readonly name: string;
  /** True if commits are answered without a flush. */
  readonly answersUnflushed?: boolean;
  /** Where the database was when this page last had it open, if it was not deleted since. */
  readonly expected?: DurableKind | undefined;
}

/** What a look for a file comes to; a text says why it cannot be known. */
type Found = boolean | string;

/** Finds the place of a database, or of one that is to be made. Asked in a worker. */
export async function placeOf(wish: Wish): Promise<Place> {
  if (wish.storage === "memory") return inMemory(wish.name, memoryFacts.reason);
  const file = fileName(wish.name);
  const host = new opfs.OpfsHost();
  // Each question takes the browser a while: what will probably be asked is asked ahead.
  const looked = wish.expected === "opfs" && wish.storage !== "indexeddb" ? undefined : lookInIndexedDb(file);
  const found: Record<DurableKind, Found> = { opfs: await lookInOpfs(host, file), indexeddb: false };
  const lacking = found.opfs === true || wish.storage === "indexeddb" ? undefined : host.lacking();
  // What is in OPFS is not looked for in IndexedDB, unless it is asked for there.
  if (found.opfs !== true || wish.storage === "indexeddb") found.indexeddb = await (looked ?? lookInIndexedDb(file));
  const there = wish.storage === "indexeddb" ? (["indexeddb", "opfs"] as const) : (["opfs", "indexeddb"] as const);
  const kind = there.find((kind) => found[kind] === true);
  if (kind !== undefined) {
    assertUsable(wish, kind);
    return stored(wish, kind, host, file, "the database was made there, and stays there");
  }
  assertNotEvicted(wish, found);
  return placeOfNew(wish, host, file, lacking, found.indexeddb);
}

/** Throws when a database of this name is anywhere: one that is to be made. */
export async function assertNew(name: string): Promise<void> {
  const file = fileName(name);
  const found = await Promise.all([lookInOpfs(new opfs.OpfsHost(), file), lookInIndexedDb(file)]);
  if (!found.includes(true)) return;
  throw new FerroliteError("InvalidOptions", `"${name}" is there already; delete it, or take another name`);
}

async function lookInOpfs(host: opfs.OpfsHost, file: string): Promise<Found> {
  try {
    return await host.has(file);
  } catch (thrown) {
    return doesNotWork("private file system", thrown);
  }
}

async function lookInIndexedDb(file: string): Promise<Found> {
  try {
    return (await indexedDb.lacking()) ?? (await indexedDb.has(file));
  } catch (thrown) {
    return doesNotWork("IndexedDB and Web Locks", thrown);
  }
}

/** Where a database is asked for is where it has to be, and this browser must be able to use it there. */
function assertUsable({ name, storage }: Wish, there: DurableKind): void {
  if (storage !== "auto" && storage !== there) {
    const message = `storage: "${storage}" was asked for, and "${name}" is in ${titleOf(there)}; take another name, or "auto"`;
    throw new FerroliteError("InvalidOptions", message);
  }
  if (there === "opfs" && !opfs.isSynchronous()) {
    const message = `"${name}" is in ${titleOf(there)}, and this browser has no synchronous access to it; use a newer browser`;
    throw new FerroliteError("Unsupported", message);
  }
}

/** A database that is gone, though nobody has deleted it, is not made anew as if nothing had happened. */
function assertNotEvicted({ name, expected }: Wish, found: Record<DurableKind, Found>): void {
  if (expected === undefined) return;
  const title = titleOf(expected);
  if (typeof found[expected] === "string") {
    throw new FerroliteError("Unsupported", `"${name}" is in ${title}, and this browser has ${found[expected]} at the moment`);
  }
  const why = "the browser or its user has cleared the data of this site";
  throw new FerroliteError("Evicted", `"${name}" was in ${title}, and is gone: ${why}; opening it again makes a new one`);
}

async function placeOfNew(
  wish: Wish,
  host: opfs.OpfsHost,
  file: string,
  inOpfs: Promise<string | undefined> | undefined,
  inIndexedDb: Found,
): Promise<Place> {
  const lacks: string[] = [];
  if (wish.storage !== "indexeddb") {
    const lacking = await inOpfs;
    if (lacking === undefined) return stored(wish, "opfs", host, file);
    lacks.push(lacking);
  }
  if (wish.storage !== "opfs") {
    const why = lacks.length === 0 ? 'storage: "indexeddb" was asked for' : `this browser has ${lacks.join()}`;
    if (typeof inIndexedDb !== "string") return stored(wish, "indexeddb", host, file, why);
    lacks.push(inIndexedDb);
  }
  const lacking = lacks.join(", and ");
  if (wish.storage === "auto" && wish.allowMemory) {
    return inMemory(wish.name, `this browser has ${lacking}, and allowMemory was given; nothing is kept after close()`);
  }
  throw unsupported(lacking);
}

function inMemory(name: string, reason: string): Place {
  const facts = Promise.resolve({ ...memoryFacts, reason });
  return { host: undefined, file: name, facts, ordered: (post) => post, openedAt: () => undefined, look() {} };
}

function stored(wish: Wish, kind: DurableKind, files: opfs.OpfsHost, file: string, why = ""): Place {
  if (kind === "opfs") {
    const facts = browserFacts(kind, `${opfs.DIRECTORY}/${file}`, "the origin's private file system");
    return { host: files, file, facts, ordered: (post) => files.untilGone(post), openedAt: () => undefined, look: () => files.look() };
  }
  const host = new IndexedDbHost(wish.memoryLimit, wish.answersUnflushed === true);
  const place = `IndexedDB, because ${why}; while it is open all of it is held in memory`;
  const facts = browserFacts(kind, indexedDb.databaseName(file), place);
  return { host, file, facts, ordered: (post) => host.whenStored(post), openedAt: () => host.openedAt, look() {} };
}

function titleOf(kind: DurableKind): string {
  return kind === "opfs" ? "the origin's private file system" : "IndexedDB";
}
