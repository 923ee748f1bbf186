/** Files of Node, Bun and Deno in the shape of the browser's access handles. */
import * as fs from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";

import { FerroliteError } from "../error.js";
import type { Handle, Host } from "../protocol/host.js";
import { type Lock, lock } from "./lock.js";
import type { StorageFacts } from "../types.js";

const SUFFIX = ".ferrolite";

/** The file of a database: the name is a path, to which the suffix is added when it has no extension. */
export function databasePath(name: string): string {
  return resolve(extname(name) === "" ? name + SUFFIX : name);
}

/** What a database in a file says of itself. */
export function fileFacts(path: string): StorageFacts {
  return { kind: "file", persistent: true, path, reason: "a file; it stays until it is deleted" };
}

/** The names of the databases in a directory. */
export function list(directory: string): string[] {
  try {
    const names = fs.readdirSync(directory).filter((name) => name.endsWith(SUFFIX));
    return names.map((name) => name.slice(0, -SUFFIX.length)).sort();
  } catch (thrown) {
    throw FerroliteError.from(thrown, codeOf(thrown) === "ENOENT" ? "NotFound" : "Io");
  }
}

/** Deletes a database; whether there was one. */
export async function remove(name: string): Promise<boolean> {
  try {
    await new NodeHost().remove(databasePath(name));
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return false;
    if (codeOf(thrown) === "Locked") throw new FerroliteError("Locked", (thrown as Error).message);
    throw FerroliteError.from(thrown, "Io", `deleting "${name}"`);
  }
}

/** A lock that several files of one thread hold. */
interface SharedLock {
  readonly lock: Lock;
  holders: number;
}

/** The engine's files; names are paths. */
export class NodeHost implements Host {
  /** A lock file keeps away who looks for it, and no one else. */
  readonly exclusive = false;
  readonly #open = new Set<NodeHandle>();
  readonly #lockTimeoutMs: number;
  readonly #predecessor: NodeHost | undefined;
  readonly #locks = new Map<string, SharedLock>();
  #refusal: unknown;

  /** `lockTimeoutMs`: how long to wait for a lock. A host with a predecessor shares the locks of that host. */
  constructor(lockTimeoutMs = 0, predecessor?: NodeHost) {
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#predecessor = predecessor;
  }

  async open(path: string, mode: "read" | "write" | "create"): Promise<Handle> {
    try {
      return await this.#openLocked(realPath(path), mode);
    } catch (thrown) {
      this.#refusal = thrown;
      throw thrown;
    }
  }

  /** What the engine made of an error of `open`, with what the host knows more about it: who holds a lock, say. */
  explain(thrown: unknown): FerroliteError {
    const { code, message } = FerroliteError.from(thrown, "Internal");
    if (this.#refusal === undefined) return new FerroliteError(code, message);
    return new FerroliteError(code, code === "Locked" ? (this.#refusal as Error).message : message, { cause: this.#refusal });
  }

  /** Returns false if somebody removed or replaced an open file. */
  isCurrent(): boolean {
    return [...this.#open].every((handle) => handle.isCurrent());
  }

  async #openLocked(file: string, mode: "read" | "write" | "create"): Promise<Handle> {
    const held = await this.#lockFor(file, mode);
    try {
      const existed = fs.existsSync(file);
      const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;
      const flags = mode === "read" ? O_RDONLY : mode === "write" ? O_RDWR : O_RDWR | O_CREAT;
      const handle = new NodeHandle(file, fs.openSync(file, flags), held, () => this.#open.delete(handle));
      this.#open.add(handle);
      if (!existed) syncDirectory(dirname(file));
      return handle;
    } catch (thrown) {
      held?.release();
      throw thrown;
    }
  }

  async remove(path: string): Promise<void> {
    const file = realPath(path);
    fs.statSync(file);
    const held = await lock(file, this.#lockTimeoutMs);
    try {
      fs.unlinkSync(file);
    } finally {
      held.release();
    }
  }

  /** A reader of a file in a place where nothing can be written has nobody to be protected from. */
  async #lockFor(file: string, mode: "read" | "write" | "create"): Promise<Lock | undefined> {
    const predecessor = this.#predecessor;
    const known = predecessor === undefined ? undefined : predecessor.#locks.get(file);
    if (known !== undefined) return this.#share(file, known);
    try {
      return this.#share(file, { lock: await lock(file, this.#lockTimeoutMs), holders: 0 });
    } catch (thrown) {
      if (mode === "read" && ["EROFS", "EACCES", "EPERM"].includes(codeOf(thrown) ?? "")) return undefined;
      throw thrown;
    }
  }

  #share(file: string, shared: SharedLock): Lock {
    shared.holders++;
    this.#locks.set(file, shared);
    return {
      confirm: () => shared.lock.confirm(),
      release: () => {
        this.#locks.delete(file);
        if (--shared.holders === 0) shared.lock.release();
      },
    };
  }

  async list(): Promise<string[]> {
    return fs.readdirSync(".").filter((name) => name.endsWith(SUFFIX));
  }

  /** Closes what an engine that stopped has left open. */
  closeAll(): void {
    for (const handle of this.#open) handle.close();
  }
}

class NodeHandle implements Handle {
  readonly #path: string;
  readonly #file: number;
  readonly #lock: Lock | undefined;
  readonly #onClose: () => void;
  /** True if the file system reports the same identity of a file by its path and by its open file. */
  readonly #hasIdentity: boolean;
  #open = true;

  constructor(path: string, file: number, lock: Lock | undefined, onClose: () => void) {
    this.#path = path;
    this.#file = file;
    this.#lock = lock;
    this.#onClose = onClose;
    this.#hasIdentity = leadsTo(path, file) === true;
  }

  isCurrent(): boolean {
    return !(this.#hasIdentity && this.#open && leadsTo(this.#path, this.#file) === false);
  }

  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    let done = 0;
    while (done < buffer.length) {
      const count = fs.readSync(this.#file, buffer, done, buffer.length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  write(bytes: Uint8Array, { at }: { readonly at: number }): number {
    this.#lock?.confirm();
    let done = 0;
    while (done < bytes.length) {
      const count = fs.writeSync(this.#file, bytes, done, bytes.length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  truncate(length: number): void {
    this.#lock?.confirm();
    fs.ftruncateSync(this.#file, length);
  }

  getSize(): number {
    return fs.fstatSync(this.#file).size;
  }

  flush(): void {
    fs.fdatasyncSync(this.#file);
    // A flush may take longer than the lease of the lock.
    this.#lock?.confirm();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      fs.closeSync(this.#file);
    } finally {
      this.#onClose();
      this.#lock?.release();
    }
  }
}

/** Returns whether a path leads to an open file; `undefined` if the host does not answer. */
function leadsTo(path: string, file: number): boolean | undefined {
  try {
    const open = fs.fstatSync(file);
    const found = fs.statSync(path);
    return found.dev === open.dev && found.ino === open.ino;
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR" ? false : undefined;
  }
}

/** The file itself, whichever links lead to it, so that all who open it look for the same lock. */
export function realPath(path: string): string {
  const whole = resolve(path);
  if (fs.existsSync(whole)) return fs.realpathSync(whole);
  return join(fs.realpathSync(dirname(whole)), basename(whole));
}

/** A new file is there after a crash only once its directory was flushed. Not every system can do that. */
function syncDirectory(directory: string): void {
  let opened: number | undefined;
  try {
    opened = fs.openSync(directory, "r");
    fs.fsyncSync(opened);
  } catch (thrown) {
    if (codeOf(thrown) === "EIO") throw thrown;
  } finally {
    if (opened !== undefined) fs.closeSync(opened);
  }
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException | undefined)?.code;
}
