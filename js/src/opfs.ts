/** Databases in the browser's origin private file system: one file each, in a directory of their own. */
import { SUFFIX } from "./file-name.js";
import type { Handle, Host } from "./host.js";

export const DIRECTORY = "ferrolite";
/** A tab that was closed, reloaded or killed a moment ago may still hold its file: how often to try again, and how long. */
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 200;
const RETRIES_MS = 10_000;

/** The parts of the browser's types that TypeScript knows in workers alone. */
interface FileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<Handle>;
}

/** Whether this browser claims to read and write files synchronously. Asked in a worker. */
export function isSynchronous(): boolean {
  return typeof FileSystemFileHandle !== "undefined" && "createSyncAccessHandle" in FileSystemFileHandle.prototype;
}

/** Removes a file; whether there was one. */
export async function removeFile(file: string): Promise<boolean> {
  try {
    await new OpfsHost().remove(file);
    return true;
  } catch (thrown) {
    if (isNotFound(thrown)) return false;
    throw thrown;
  }
}

/** The engine's files. `name` is a file name, as `fileName` makes it. */
export class OpfsHost implements Host {
  readonly exclusive = true;
  /** The directory, once it is there: each step on the way to a file takes the browser a while. */
  #directory: FileSystemDirectoryHandle | undefined;

  async open(name: string, mode: "read" | "write" | "create"): Promise<Handle> {
    const create = mode === "create";
    const file = await (await this.#enter(create)).getFileHandle(name, { create });
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
    await (await this.#enter(false)).removeEntry(name);
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const name of (await this.#enter(false)).keys()) if (name.endsWith(SUFFIX)) names.push(name);
    } catch (thrown) {
      // Before the first database there is no directory.
      if (!isNotFound(thrown)) throw thrown;
    }
    return names;
  }

  /** Whether there is this file. Throws what the browser throws where it has no private files. */
  async has(file: string): Promise<boolean> {
    try {
      await (await this.#enter(false)).getFileHandle(file);
      return true;
    } catch (thrown) {
      if (isNotFound(thrown)) return false;
      throw thrown;
    }
  }

  /** Why there are no files here that can be read and written synchronously; `undefined` when there are. Asked in a worker. */
  async lacking(): Promise<string | undefined> {
    if (typeof navigator.storage?.getDirectory !== "function") return "no private file system (it needs https or localhost)";
    if (!isSynchronous()) return "no synchronous access to its private files";
    const probe = `probe-${crypto.randomUUID()}`;
    try {
      const directory = await this.#enter(true);
      try {
        const file = await directory.getFileHandle(probe, { create: true });
        (await (file as FileHandle).createSyncAccessHandle()).close();
      } finally {
        // Nobody waits for its end.
        directory.removeEntry(probe).catch(() => {});
      }
      return undefined;
    } catch (thrown) {
      const { name, message } = thrown as DOMException;
      // There are files, only no room for more: making the database will tell.
      return name === "QuotaExceededError" ? undefined : `no private files that work (${name}: ${message})`;
    }
  }

  async #enter(create: boolean): Promise<FileSystemDirectoryHandle> {
    if (this.#directory !== undefined) return this.#directory;
    if (typeof navigator.storage?.getDirectory !== "function") {
      throw new DOMException("there is no private file system (it needs https or localhost)", "NotSupportedError");
    }
    return (this.#directory = await (await navigator.storage.getDirectory()).getDirectoryHandle(DIRECTORY, { create }));
  }
}

function isNotFound(thrown: unknown): boolean {
  return (thrown as DOMException).name === "NotFoundError";
}
