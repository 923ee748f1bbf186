/** Databases in the browser's origin private file system: one file each, in a directory of their own. */
import { FerroliteError } from "../error.js";
import { SUFFIX } from "./file-name.js";
import type { Handle, Host } from "../protocol/host.js";
import type { Response } from "../protocol/protocol.js";
import { doesNotWork } from "./capabilities.js";
import { clearTimeout, performance, setTimeout } from "../protocol/timers.js";

export const DIRECTORY = "ferrolite";
/** A tab that was closed, reloaded or killed a moment ago may still hold its file: how often to try again, and how long. */
const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 200;
const RETRIES_MS = 10_000;
/** Time from a flush to the check whether the file still exists. */
const CHECK_MS = 1000;

const NO_FILES = "private file system (it needs https or localhost, and no sandbox)";

type Post = (response: Response, transfer: ArrayBuffer[]) => void;

/** The parts of the browser's types that TypeScript knows in workers alone. */
interface FileHandle extends FileSystemFileHandle {
  createSyncAccessHandle(): Promise<Handle>;
}

/** True if this browser claims to read and write files synchronously. Asked in a worker. */
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

/** The files of all databases in this origin's private file system. */
export async function listFiles(): Promise<string[]> {
  const names: string[] = [];
  try {
    const directory = await (await fileSystem()).getDirectoryHandle(DIRECTORY);
    for await (const name of directory.keys()) if (name.endsWith(SUFFIX)) names.push(name);
  } catch (thrown) {
    // Before the first database there is no directory.
    if (!isNotFound(thrown)) throw thrown;
  }
  return names;
}

function fileSystem(): Promise<FileSystemDirectoryHandle> {
  if (typeof navigator.storage?.getDirectory === "function") return navigator.storage.getDirectory();
  throw new DOMException(`there is no ${NO_FILES}`, "NotSupportedError");
}

/** The engine's files. `name` is a file name, as `fileName` makes it. */
export class OpfsHost implements Host {
  readonly exclusive = true;
  /** The directory, once it is there: each step on the way to a file takes the browser a while. */
  #directory: FileSystemDirectoryHandle | undefined;
  readonly #onGone: ((error: FerroliteError) => void)[] = [];
  #isGone = false;
  /** Checks whether the open file still exists, unless a check is due already. */
  look = (): void => {};

  async open(name: string, mode: "read" | "write" | "create"): Promise<Handle> {
    const create = mode === "create";
    const file = await (await this.#enter(create)).getFileHandle(name, { create });
    const endMs = performance.now() + RETRIES_MS;
    for (let waitMs = RETRY_MS_MIN; ; waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)) {
      try {
        const handle = await (file as FileHandle).createSyncAccessHandle();
        return mode === "read" ? handle : this.#watched(name, handle);
      } catch (thrown) {
        if ((thrown as DOMException).name !== "NoModificationAllowedError" || performance.now() > endMs) throw thrown;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  /**
   * Makes of `post` what reports as `fatal` that an open file was cleared away, and sends nothing after it: the browser lets a
   * worker write on, into a file without a name.
   */
  untilGone(post: Post): Post {
    this.#onGone.push((error) => post({ fatal: error.report() }, []));
    return (response, transfer) => {
      if (!this.#isGone) post(response, transfer);
    };
  }

  #watched(name: string, handle: Handle): Handle {
    let isOpen = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const check = async () => {
      timer = undefined;
      if (!isOpen || (await isThere(name)) || !isOpen || this.#isGone) return;
      this.#isGone = true;
      const what = "the browser or its user has cleared the data of this site, and this database with it";
      const error = new FerroliteError("Evicted", `${what}; commits of the last second may be lost`);
      for (const tell of this.#onGone) tell(error);
    };
    this.look = () => {
      if (!this.#isGone) timer ??= setTimeout(() => void check(), CHECK_MS);
    };
    const { flush, close } = handle;
    handle.flush = () => {
      flush.call(handle);
      this.look();
    };
    handle.isCurrent = () => !this.#isGone;
    handle.close = () => {
      isOpen = false;
      clearTimeout(timer);
      close.call(handle);
    };
    return handle;
  }

  async remove(name: string): Promise<void> {
    await (await this.#enter(false)).removeEntry(name);
  }

  /** True if there is this file. Throws what the browser throws where it has no private files. */
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
    if (typeof navigator.storage?.getDirectory !== "function") return `no ${NO_FILES}`;
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
      // There are files, only no room for more: making the database will tell.
      return (thrown as DOMException).name === "QuotaExceededError" ? undefined : doesNotWork("private file system", thrown);
    }
  }

  async #enter(create: boolean): Promise<FileSystemDirectoryHandle> {
    return (this.#directory ??= await (await fileSystem()).getDirectoryHandle(DIRECTORY, { create }));
  }
}

/** True if a file has its name. What else a browser reports proves nothing. */
function isThere(name: string): Promise<boolean> {
  return new OpfsHost().has(name).catch(() => true);
}

function isNotFound(thrown: unknown): boolean {
  return (thrown as DOMException).name === "NotFoundError";
}
