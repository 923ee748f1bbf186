/** Databases in the browser's origin private file system: one file each, in a directory of their own. */
import { FerroliteError } from "./error.js";
import type { Handle, Host } from "./host.js";
import type { StorageFacts } from "./types.js";

const DIRECTORY = "ferrolite";
const SUFFIX = ".ferrolite";
/** What file systems allow a name to have. */
const FILE_NAME_BYTES_MAX = 255;
/** A tab that was closed, reloaded or killed a moment ago may still hold its file: how often to try again, and how long. */
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 200;
const RETRIES_MS = 10_000;

/** The parts of the browser's types that TypeScript knows in workers alone. */
interface FileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<Handle>;
}

/** The file of a database. Whatever a file name cannot hold is escaped as in a URL. */
export function fileName(name: string): string {
  const file = encodeURIComponent(name).replaceAll("*", "%2A") + SUFFIX;
  if (file.length > FILE_NAME_BYTES_MAX) {
    throw new FerroliteError("InvalidOptions", `the name of the database is too long by ${file.length - FILE_NAME_BYTES_MAX}`);
  }
  return file;
}

/** Where the file of a database is, and whether the browser may take it away. */
export async function storageFacts(name: string): Promise<StorageFacts> {
  const persistent = (await navigator.storage.persisted?.()) ?? false;
  const reason = persistent
    ? "the origin's private file system; the browser keeps it until the user clears it"
    : "the origin's private file system; the browser may clear it when the disk is full, unless the page asks it not to with navigator.storage.persist()";
  return { kind: "opfs", persistent, path: `${DIRECTORY}/${fileName(name)}`, reason };
}

/** Throws `Unsupported` where the origin has no private file system, or not the fast one. Asked in a worker. */
export function assertSupported(): void {
  const lacks =
    typeof navigator.storage?.getDirectory !== "function" ? "no private file system (it needs https or localhost)"
    : !("createSyncAccessHandle" in FileSystemFileHandle.prototype) ? "no synchronous access to its private files"
    : undefined;
  if (lacks !== undefined) throw unsupported(lacks);
}

/** The names of all databases of this origin. */
export async function list(): Promise<string[]> {
  const names = await new OpfsHost().list();
  return names.map((file) => decodeURIComponent(file.slice(0, -SUFFIX.length))).sort();
}

/** Deletes a database; whether there was one. */
export async function remove(name: string): Promise<boolean> {
  try {
    await new OpfsHost().remove(fileName(name));
    return true;
  } catch (thrown) {
    if (thrown instanceof FerroliteError) throw thrown;
    const kind = (thrown as DOMException).name;
    if (kind === "NotFoundError") return false;
    if (kind === "NoModificationAllowedError" || kind === "InvalidModificationError") {
      throw new FerroliteError("Locked", `"${name}" is open, here or in another tab; close it before deleting it`);
    }
    throw FerroliteError.from(thrown, "Io", `deleting "${name}"`);
  }
}

/** The engine's files. `name` is a file name, as `fileName` makes it. */
export class OpfsHost implements Host {
  readonly exclusive = true;

  async open(name: string, mode: "read" | "write" | "create"): Promise<Handle> {
    const create = mode === "create";
    const file = await (await directory(create)).getFileHandle(name, { create });
    const endMs = performance.now() + RETRIES_MS;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      try {
        return await (file as FileHandle).createSyncAccessHandle();
      } catch (thrown) {
        if ((thrown as DOMException).name !== "NoModificationAllowedError" || performance.now() > endMs) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async remove(name: string): Promise<void> {
    await (await directory(false)).removeEntry(name);
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const name of (await directory(false)).keys()) if (name.endsWith(SUFFIX)) names.push(name);
    } catch (thrown) {
      // Before the first database there is no directory.
      if ((thrown as DOMException).name !== "NotFoundError") throw thrown;
    }
    return names;
  }
}

async function directory(create: boolean): Promise<FileSystemDirectoryHandle> {
  if (typeof navigator.storage?.getDirectory !== "function") {
    throw unsupported("no private file system (it needs https or localhost)");
  }
  let root: FileSystemDirectoryHandle;
  try {
    root = await navigator.storage.getDirectory();
  } catch (thrown) {
    throw unsupported(`no private file system here: ${(thrown as Error).message}`);
  }
  return root.getDirectoryHandle(DIRECTORY, { create });
}

function unsupported(lacks: string): FerroliteError {
  const message = `this browser has ${lacks}; pass storage: "memory" to work without keeping anything`;
  return new FerroliteError("Unsupported", message);
}
