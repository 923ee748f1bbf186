/**
 * Where a database of a browser is: in the origin's private file system (OPFS), and where there is none that works, in
 * IndexedDB. One that exists stays where it is. Memory is never chosen unless it was asked for.
 */
import { FerroliteError } from "../error.js";
import type { Host } from "../host.js";
import { memoryFacts, type StorageOptions } from "../options.js";
import * as opfs from "../opfs.js";
import type { Response } from "../protocol.js";
import type { StorageFacts } from "../types.js";
import { browserFacts } from "./facts.js";
import * as indexedDb from "./indexeddb.js";
import { whenStored } from "./ordered.js";

/** The places that keep data. */
export type DurableKind = "opfs" | "indexeddb";

/** Where a database is to be opened. */
export interface Place {
  readonly kind: DurableKind | "memory";
  /** Its files; `undefined` in memory. */
  readonly host: Host | undefined;
  /** The name of its file. */
  readonly file: string;
  facts(): Promise<StorageFacts>;
  /** Makes of `post` what sends an answer when all that it tells of is stored. */
  ordered(post: (response: Response, transfer: ArrayBuffer[]) => void): (response: Response, transfer: ArrayBuffer[]) => void;
}

export interface Wish extends StorageOptions {
  readonly name: string;
  /** Where the database was when this page last had it open, if it was not deleted since. */
  readonly expected?: DurableKind | undefined;
}

/** Finds the place of a database, or of one that is to be made. Asked in a worker. */
export async function placeOf(wish: Wish): Promise<Place> {
  if (wish.storage === "memory") return inMemory(wish.name, memoryFacts.reason);
  const file = opfs.fileName(wish.name);
  const inOpfs = await look("opfs", file);
  const inIndexedDb = inOpfs === true && wish.storage !== "indexeddb" ? false : await look("indexeddb", file);
  const there =
    wish.storage === "indexeddb" && inIndexedDb === true ? "indexeddb"
    : inOpfs === true ? "opfs"
    : inIndexedDb === true ? "indexeddb"
    : undefined;
  if (there !== undefined) {
    assertUsable(wish, there);
    return stored(wish, there, file, there === "indexeddb" ? "the database was made there, and stays there" : undefined);
  }
  assertNotEvicted(wish, { opfs: inOpfs, indexeddb: inIndexedDb });
  return placeOfNew(wish, file, inIndexedDb);
}

/** What a look for a file comes to; a text says why it cannot be known. */
type Found = boolean | string;

async function look(kind: DurableKind, file: string): Promise<Found> {
  try {
    if (kind === "opfs") return await opfs.has(file);
    return indexedDb.lacking() ?? (await indexedDb.has(file));
  } catch (thrown) {
    return `${kind === "opfs" ? "no private files that work" : "no IndexedDB that works"} (${describe(thrown)})`;
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
  throw new FerroliteError(
    "Evicted",
    `"${name}" was in ${title}, and is gone: the browser has cleared the data of this site, for want of room or because the user asked for it; opening it again makes a new one`,
  );
}

async function placeOfNew(wish: Wish, file: string, inIndexedDb: Found): Promise<Place> {
  const opfsLacks = wish.storage === "indexeddb" ? undefined : await opfs.lacking();
  if (opfsLacks === undefined && wish.storage !== "indexeddb") return stored(wish, "opfs", file);
  if (wish.storage !== "opfs" && typeof inIndexedDb !== "string") {
    const why = opfsLacks === undefined ? 'storage: "indexeddb" was asked for' : `this browser has ${opfsLacks}`;
    return stored(wish, "indexeddb", file, why);
  }
  const lacks = [opfsLacks, wish.storage === "opfs" ? undefined : inIndexedDb].filter((text) => text !== undefined).join(", and ");
  if (wish.storage === "auto" && wish.allowMemory) {
    return inMemory(wish.name, `this browser has ${lacks}, and allowMemory was given; nothing is kept after close()`);
  }
  throw unsupported(lacks);
}

function inMemory(name: string, reason: string): Place {
  return {
    kind: "memory",
    host: undefined,
    file: name,
    facts: async () => ({ ...memoryFacts, reason }),
    ordered: (post) => post,
  };
}

function stored(wish: Wish, kind: DurableKind, file: string, why?: string): Place {
  if (kind === "opfs") {
    const facts = () => browserFacts("opfs", `${opfs.DIRECTORY}/${file}`, "the origin's private file system");
    return { kind, host: new opfs.OpfsHost(), file, facts, ordered: (post) => post };
  }
  const host = new indexedDb.IndexedDbHost({ memoryLimit: wish.memoryLimit, strict: wish.isStrict });
  const place = `IndexedDB, because ${why}; while it is open all of it is held in memory`;
  const facts = () => browserFacts("indexeddb", indexedDb.databaseName(file), place);
  return { kind, host, file, facts, ordered: (post) => whenStored(host, post) };
}

/** The names of all databases of this origin. */
export async function list(): Promise<string[]> {
  const found = await everywhere(() => new opfs.OpfsHost().list(), indexedDb.listFiles);
  return [...new Set(found.flat().map(opfs.databaseOf))].sort();
}

/** Deletes a database wherever it is; whether there was one. */
export async function remove(name: string): Promise<boolean> {
  const file = opfs.fileName(name);
  try {
    return (await everywhere(() => opfs.removeFile(file), () => indexedDb.removeFile(file))).includes(true);
  } catch (thrown) {
    if (thrown instanceof FerroliteError) throw thrown;
    const kind = (thrown as DOMException).name;
    if (kind === "NoModificationAllowedError" || kind === "InvalidModificationError") {
      throw new FerroliteError("Locked", `"${name}" is open, here or in another tab; close it before deleting it`);
    }
    throw FerroliteError.from(thrown, "Io", `deleting "${name}"`);
  }
}

/** What a work gives in each of the two places; one that this browser does not have is left out, unless it has neither. */
async function everywhere<T>(inOpfs: () => Promise<T>, inIndexedDb: () => Promise<T>): Promise<T[]> {
  const given: T[] = [];
  let lacks = indexedDb.lacking();
  try {
    given.push(await inOpfs());
  } catch (thrown) {
    const isLacking = ["NotSupportedError", "SecurityError", "UnknownError"].includes((thrown as DOMException).name);
    if (!isLacking) throw thrown;
    if (lacks !== undefined) throw unsupported(`no private files that work (${describe(thrown)}), and ${lacks}`);
  }
  if (lacks === undefined) given.push(await inIndexedDb());
  return given;
}

function titleOf(kind: DurableKind): string {
  return kind === "opfs" ? "the origin's private file system" : "IndexedDB";
}

function describe(thrown: unknown): string {
  const { name, message } = thrown as Partial<Error>;
  return `${name}: ${message}`;
}

function unsupported(lacks: string): FerroliteError {
  const message = `this browser has ${lacks}; pass storage: "memory", or allowMemory: true, to work without keeping anything`;
  return new FerroliteError("Unsupported", message);
}
