/**
 * A file in IndexedDB. While it is open all of it is in memory, and what is stored follows behind: each transaction of
 * IndexedDB takes over everything that has changed up to its beginning, and the next one begins when it is complete. So what
 * is stored is always the file as it was at one moment, and each moment is later than the one before. That is what a crash
 * leaves of a file on a disk whose writes are done in order; the engine asks for no more, although `flush` returns before
 * anything is stored: whoever waits for a flush waits for `pending` too.
 */
import type { Handle } from "../host.js";
import { Chunks } from "./chunks.js";
import { settled } from "./requests.js";

/** Bytes of a chunk of a new file: what one small commit writes, against how many records a large file has. */
const CHUNK_BYTES = 16 << 10;
const FORMAT = 1;
/** How many chunks are read by one request. */
const CHUNKS_A_READ = 256;

export const HEADS = "heads";
export const CHUNKS = "chunks";

/**
 * What the file is besides its chunks. Its key is the number of the transaction that wrote it, and there is one of them. It is
 * added, never overwritten: a second writer, which the lock should have kept away, meets that key and fails.
 */
interface Head {
  readonly format: number;
  readonly length: number;
  readonly chunkBytes: number;
}

export interface FileOptions {
  /** Beyond so many bytes the file does not grow, and does not open. */
  readonly memoryLimit: number;
  /** Whether a transaction is complete only when it is on the disk. */
  readonly strict: boolean;
  /** For measurements; a file that exists has its own. */
  readonly chunkBytes?: number | undefined;
}

/** What the engine's file system layer takes for a full disk. */
export function full(message: string): DOMException {
  return new DOMException(message, "QuotaExceededError");
}

/** Makes the stores of a file that is new. */
export function createStores(database: IDBDatabase): void {
  database.createObjectStore(HEADS);
  database.createObjectStore(CHUNKS);
}

export class IndexedDbFile implements Handle {
  readonly #database: IDBDatabase;
  readonly #chunks: Chunks;
  readonly #options: FileOptions;
  readonly #onEnd: () => void;
  readonly #onFailure: (reason: unknown) => void;
  /** The number of the last transaction that has begun. */
  #number: number;
  /** Resolves when the transaction that runs, and the one behind it that is marked, are complete. */
  #pending: Promise<void> | undefined;
  #isRunning = false;
  #settle: { resolve(): void; reject(reason: unknown): void } | undefined;
  #failure: { readonly reason: unknown } | undefined;
  #isClosing = false;

  private constructor(
    database: IDBDatabase,
    chunks: Chunks,
    number: number,
    options: FileOptions,
    onEnd: () => void,
    onFailure: (reason: unknown) => void,
  ) {
    this.#database = database;
    this.#chunks = chunks;
    this.#number = number;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#onFailure = onFailure;
    database.onclose = () => this.#fail(new DOMException("the browser has closed the file", "InvalidStateError"));
  }

  /** Reads the file. `onEnd` is called when it is closed and nothing is under way; `onFailure` when it cannot be stored. */
  static async open(
    database: IDBDatabase,
    options: FileOptions,
    onEnd: () => void,
    onFailure: (reason: unknown) => void,
  ): Promise<IndexedDbFile> {
    const { chunks, number } = await load(database, options);
    return new IndexedDbFile(database, chunks, number, options, onEnd, onFailure);
  }

  /** Resolves when all that was flushed or closed is stored, and rejects when that fails; `undefined` when it is already. */
  get pending(): Promise<void> | undefined {
    return this.#failure === undefined ? this.#pending : Promise.reject(this.#failure.reason);
  }

  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    this.#assertGood();
    return this.#chunks.read(buffer, at);
  }

  write(bytes: Uint8Array, { at }: { readonly at: number }): number {
    this.#assertGood();
    if (!this.#chunks.write(bytes, at)) throw full(limitMessage(this.#options.memoryLimit));
    return bytes.length;
  }

  truncate(length: number): void {
    this.#assertGood();
    if (length > Math.max(this.#chunks.length, this.#options.memoryLimit)) throw full(limitMessage(this.#options.memoryLimit));
    this.#chunks.truncate(length);
  }

  getSize(): number {
    return this.#chunks.length;
  }

  flush(): void {
    this.#assertGood();
    this.#mark();
  }

  /** What was written without a flush is stored too. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#failure === undefined) this.#mark();
    if (this.#pending === undefined || this.#failure !== undefined) this.#end();
  }

  #assertGood(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (this.#isClosing) throw new DOMException("the file is closed", "InvalidStateError");
  }

  /** The flushes of one turn share a transaction. */
  #mark(): void {
    if (!this.#chunks.isChanged || this.#settle !== undefined) return;
    const before = this.#pending;
    const marked = new Promise<void>((resolve, reject) => (this.#settle = { resolve, reject }));
    // Who waits for it hears of its failure; nobody has to wait.
    marked.catch(() => {});
    this.#pending = marked;
    if (before === undefined) queueMicrotask(() => this.#begin());
  }

  #begin(): void {
    const settle = this.#settle;
    if (settle === undefined || this.#isRunning || this.#failure !== undefined) return;
    this.#settle = undefined;
    this.#isRunning = true;
    const mine = this.#pending;
    try {
      const transaction = this.#store();
      transaction.oncomplete = () => {
        this.#isRunning = false;
        if (this.#pending === mine) this.#pending = undefined;
        settle.resolve();
        this.#begin();
        if (this.#isClosing && this.#pending === undefined) this.#end();
      };
      transaction.onabort = () => {
        this.#fail(transaction.error ?? new DOMException("the browser has aborted a transaction", "AbortError"));
        settle.reject(this.#failure?.reason);
      };
    } catch (thrown) {
      this.#fail(thrown);
      settle.reject(thrown);
    }
  }

  /** A transaction with everything that has changed. Values are copied by `put`, so the file may change right after this. */
  #store(): IDBTransaction {
    const { length, removedFrom, written } = this.#chunks.takeChanges();
    const durability = this.#options.strict ? "strict" : "relaxed";
    const transaction = this.#database.transaction([HEADS, CHUNKS], "readwrite", { durability });
    const heads = transaction.objectStore(HEADS);
    const chunks = transaction.objectStore(CHUNKS);
    const head: Head = { format: FORMAT, length, chunkBytes: this.#chunks.size };
    heads.add(head, ++this.#number);
    heads.delete(this.#number - 1);
    if (removedFrom !== undefined) chunks.delete(IDBKeyRange.lowerBound(removedFrom));
    for (const [number, bytes] of written) chunks.put(bytes, number);
    transaction.commit?.();
    return transaction;
  }

  /** From now on nothing is stored: what is stored stays as it was at one moment. */
  #fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    this.#settle?.reject(reason);
    this.#settle = undefined;
    this.#onFailure(reason);
    if (this.#isClosing) this.#end();
  }

  #end(): void {
    this.#database.onclose = null;
    this.#database.close();
    this.#onEnd();
  }
}

async function load(database: IDBDatabase, options: FileOptions): Promise<{ chunks: Chunks; number: number }> {
  const transaction = database.transaction([HEADS, CHUNKS], "readonly");
  const heads = transaction.objectStore(HEADS);
  const store = transaction.objectStore(CHUNKS);
  const [numbers, values] = await Promise.all([settled(heads.getAllKeys()), settled(heads.getAll())]);
  const head = values.at(-1) as Head | undefined;
  if (head === undefined) return { chunks: new Chunks(options.chunkBytes ?? CHUNK_BYTES, options.memoryLimit), number: 0 };
  const { format, length, chunkBytes } = head;
  if (format !== FORMAT) throw new DOMException("a later version of Ferrolite has written it", "NotSupportedError");
  if (length > options.memoryLimit) throw full(`the file has ${length} bytes, and ${limitMessage(options.memoryLimit)}`);
  const found: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  for (let first = 0; first * chunkBytes < length; first += CHUNKS_A_READ) {
    const range = IDBKeyRange.bound(first, first + CHUNKS_A_READ, false, true);
    const [keys, buffers] = await Promise.all([settled(store.getAllKeys(range)), settled(store.getAll(range))]);
    keys.forEach((key, index) => (found[key as number] = new Uint8Array(buffers[index] as ArrayBuffer)));
  }
  return { chunks: new Chunks(chunkBytes, options.memoryLimit, length, found), number: numbers.at(-1) as number };
}

function limitMessage(limit: number): string {
  return `in IndexedDB a database is held in memory and has at most ${limit} bytes here; open it with a larger memoryLimit`;
}
