/** Files of Node, Bun and Deno in the shape of the browser's access handles. */
import * as fs from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";

import { FerroliteError } from "./error.js";
import type { Handle, Host } from "./host.js";
import { type Lock, lock } from "./node-lock.js";
import type { StorageFacts } from "./types.js";

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

/** The engine's files; names are paths. */
export class NodeHost implements Host {
  /** A lock file keeps away who looks for it, and no one else. */
  readonly exclusive = false;
  readonly #open = new Set<NodeHandle>();
  #refusal: unknown;

  async open(path: string, mode: "read" | "write" | "create"): Promise<Handle> {
    try {
      return this.#openLocked(realPath(path), mode);
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

  #openLocked(file: string, mode: "read" | "write" | "create"): Handle {
    const held = lockFor(file, mode);
    try {
      const existed = fs.existsSync(file);
      const { O_RDONLY, O_RDWR, O_CREAT } = fs.constants;
      const flags = mode === "read" ? O_RDONLY : mode === "write" ? O_RDWR : O_RDWR | O_CREAT;
      const handle = new NodeHandle(fs.openSync(file, flags), () => {
        this.#open.delete(handle);
        held?.release();
      });
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
    const held = lock(file);
    try {
      fs.unlinkSync(file);
    } finally {
      held.release();
    }
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
  readonly #file: number;
  readonly #release: () => void;
  #open = true;

  constructor(file: number, release: () => void) {
    this.#file = file;
    this.#release = release;
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
    let done = 0;
    while (done < bytes.length) {
      const count = fs.writeSync(this.#file, bytes, done, bytes.length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  truncate(length: number): void {
    fs.ftruncateSync(this.#file, length);
  }

  getSize(): number {
    return fs.fstatSync(this.#file).size;
  }

  flush(): void {
    fs.fdatasyncSync(this.#file);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      fs.closeSync(this.#file);
    } finally {
      this.#release();
    }
  }
}

/** The file itself, whichever links lead to it, so that all who open it look for the same lock. */
function realPath(path: string): string {
  const whole = resolve(path);
  if (fs.existsSync(whole)) return fs.realpathSync(whole);
  return join(fs.realpathSync(dirname(whole)), basename(whole));
}

/** A reader of a file in a place where nothing can be written has nobody to be protected from. */
function lockFor(file: string, mode: "read" | "write" | "create"): Lock | undefined {
  try {
    return lock(file);
  } catch (thrown) {
    if (mode === "read" && ["EROFS", "EACCES", "EPERM"].includes(codeOf(thrown) ?? "")) return undefined;
    throw thrown;
  }
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
