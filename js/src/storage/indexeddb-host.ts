/** Databases in IndexedDB, as the engine has them open. */
import { FerroliteError } from "../error.js";
import type { Handle, Host } from "../protocol/host.js";
import type { Response } from "../protocol/protocol.js";
import { setTimeout } from "../protocol/timers.js";
import { estimated, within } from "./facts.js";
import { databaseName, has, lock, removeFile } from "./indexeddb.js";
import { createStores, IndexedDbFile } from "./indexeddb-file.js";
import { openDatabase } from "./requests.js";
import { Room } from "./room.js";

/** When it is looked whether a file is still there that cannot be stored any more, and how long that may take. */
const LOOKS_MS = [50, 200, 1000];
const LOOK_MS_MAX = 500;

type Post = (response: Response, transfer: ArrayBuffer[]) => void;

export class IndexedDbHost implements Host {
  readonly exclusive = true;
  readonly #memoryLimit: number;
  readonly #answersUnflushed: boolean;
  readonly #room = new Room(estimated);
  readonly #open = new Map<string, { readonly file: IndexedDbFile; readonly ended: Promise<void> }>();
  #hasFailed = false;
  readonly #onFailure: ((error: FerroliteError) => void)[] = [];

  /** A file has at most `memoryLimit` bytes. `answersUnflushed`: commits are answered without a flush. */
  constructor(memoryLimit: number, answersUnflushed: boolean) {
    this.#memoryLimit = memoryLimit;
    this.#answersUnflushed = answersUnflushed;
  }

  /** The number of the last transaction in the file when it was opened; `undefined` while none is open. */
  get openedAt(): number | undefined {
    const [open] = this.#open.values();
    return open?.file.openedAt;
  }

  /** Resolves when an answer may be sent; `undefined` when that is now. */
  get pending(): Promise<unknown> | undefined {
    const pending = [...this.#open.values()].map(({ file }) => file.pending).filter((promise) => promise !== undefined);
    return pending.length === 0 ? undefined : Promise.all(pending);
  }

  async open(name: string, mode: "read" | "write" | "create"): Promise<Handle> {
    await this.#open.get(name)?.ended;
    const release = await lock(name);
    let database: IDBDatabase | undefined;
    try {
      database = await openDatabase(databaseName(name), mode === "create" ? createStores : undefined);
      if (database === undefined) throw new DOMException(`there is no ${name}`, "NotFoundError");
      let end = () => {};
      const ended = new Promise<void>((resolve) => (end = resolve));
      const context = {
        memoryLimit: this.#memoryLimit,
        room: this.#room,
        answersUnflushed: this.#answersUnflushed,
        onEnd: () => {
          this.#open.delete(name);
          release();
          end();
        },
        onFailure: (reason: unknown) => void this.#tell(name, reason),
      };
      const [file] = await Promise.all([IndexedDbFile.open(database, context), this.#room.ask()]);
      this.#open.set(name, { file, ended });
      return file;
    } catch (thrown) {
      database?.close();
      release();
      throw thrown;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#open.get(name)?.ended;
    if (!(await removeFile(name))) throw new DOMException(`there is no ${name}`, "NotFoundError");
  }

  /**
   * Makes of `post` what sends an answer when everything is stored that was flushed before it, in their order. When the files
   * cannot be stored any more that is told as `fatal`, and nothing after it: what was not answered by then may be lost. If
   * commits are answered without a flush, an answer has the number of the transaction that stores what the answer depends on.
   */
  whenStored(post: Post): Post {
    let last: Promise<void> | undefined;
    this.#onFailure.push((error) => post({ fatal: error.report() }, []));
    return (plain, transfer) => {
      const { pending } = this;
      if (this.#hasFailed) return;
      const response = this.#answersUnflushed ? { ...plain, written: this.#written } : plain;
      if (pending === undefined && last === undefined) return post(response, transfer);
      const mine = Promise.all([last, pending]).then(
        () => {
          if (last === mine) last = undefined;
          if (!this.#hasFailed) post(response, transfer);
        },
        () => {},
      );
      last = mine;
    };
  }

  get #written(): number | undefined {
    const [open] = this.#open.values();
    return open?.file.number;
  }

  async #tell(name: string, reason: unknown): Promise<void> {
    this.#hasFailed = true;
    const error = await failure(name, reason);
    for (const tell of this.#onFailure) tell(error);
  }
}

/** What it means for a database that its file cannot be stored. */
async function failure(file: string, reason: unknown): Promise<FerroliteError> {
  const { name: kind, message } = reason as DOMException;
  if (kind === "QuotaExceededError") {
    const what = `the browser's quota is used up; what was not answered is not kept (${message})`;
    return new FerroliteError("StorageFull", `${what}; make room, and open the database again`, { cause: reason });
  }
  if (await isGone(file)) {
    const what = "the browser or its user has cleared the data of this site, and this database with it";
    return new FerroliteError("Evicted", what, { cause: reason });
  }
  const what = `the database could not be stored in IndexedDB (${kind}: ${message}); open it again`;
  return new FerroliteError("Io", what, { cause: reason });
}

/** True if a file was cleared away. A browser that is at it fails other requests, or never answers them. */
async function isGone(file: string): Promise<boolean> {
  for (const waitMs of LOOKS_MS) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const isThere = await within<boolean | undefined>(LOOK_MS_MAX, has(file), undefined);
    if (isThere !== undefined) return !isThere;
  }
  return false;
}
