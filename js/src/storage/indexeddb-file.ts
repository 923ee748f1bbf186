/**
 * A file in IndexedDB. While it is open all of it is in memory, and what is stored follows behind: each transaction of
 * IndexedDB takes over everything that has changed up to its beginning, and the next one begins when it is complete. So what
 * is stored is always the file as it was at one moment, and each moment is later than the one before. That is what a crash
 * leaves of a file on a disk whose writes are done in order; the engine asks for no more, although `flush` returns before
 * anything is stored: whoever waits for a flush waits for `pending` too.
 *
 * A worker can end between any two lines. Browsers finish the transaction that runs then, because it is committed already;
 * they abort the transactions that wait for it. So only one transaction at a time exists. A commit that nobody flushes is
 * answered when its transaction has begun: such a commit survives the end of the worker, however the worker ends.
 */
import type { Handle } from "../protocol/host.js";
import { clearTimeout, queueMicrotask, setTimeout } from "../protocol/timers.js";
import { Chunks } from "./chunks.js";
import { settled } from "./requests.js";
import type { Room } from "./room.js";

/** Bytes of a chunk of a new file: what one small commit writes, against how many records a large file has. */
const CHUNK_BYTES = 16 << 10;
const FORMAT = 1;
/** How many chunks are read by one request. */
const CHUNKS_A_READ = 256;
/** When what was written without a flush is stored, at the latest: a tab that is killed has written it to a disk, too. */
const UNFLUSHED_MS = 100;

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

/** What a file is opened with. */
export interface FileContext {
  /** Beyond so many bytes the file does not grow, and does not open. */
  readonly memoryLimit: number;
  readonly room: Room;
  /** True if commits are answered without a flush. */
  readonly answersUnflushed: boolean;
  /** Is called once, when the file is closed and nothing is under way any more. */
  onEnd(): void;
  /** Is called once, when the file cannot be stored any more. */
  onFailure(reason: unknown): void;
}

/** A transaction that is to come or runs, and who waits for it. */
interface Round {
  /** True if it has to be on the disk when it is complete: somebody waits for it. */
  isStrict: boolean;
  /** Resolves when the browser completes the transaction, even if this worker ends. */
  readonly begun: Settling;
  readonly stored: Settling;
}

/** A promise, and its two ends. */
interface Settling {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: unknown): void;
}

/** Makes the stores of a file that is new. */
export function createStores(database: IDBDatabase): void {
  database.createObjectStore(HEADS);
  database.createObjectStore(CHUNKS);
}

export class IndexedDbFile implements Handle {
  readonly #database: IDBDatabase;
  readonly #chunks: Chunks;
  readonly #context: FileContext;
  /** The number of the last transaction that has begun. */
  #number: number;
  /** The number of the last transaction in the file when it was opened. */
  readonly openedAt: number;
  #running: Round | undefined;
  /** Begins when the one that runs is complete, or at the end of this turn. */
  #next: Round | undefined;
  /** True if a transaction that need not be on the disk was the last one to begin. */
  #isRelaxed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failure: { readonly reason: unknown } | undefined;
  #isClosing = false;

  private constructor(database: IDBDatabase, chunks: Chunks, number: number, context: FileContext) {
    this.#database = database;
    this.#chunks = chunks;
    this.#number = number;
    this.openedAt = number;
    this.#context = context;
    database.onclose = () => this.#fail(new DOMException("the browser has closed the file", "InvalidStateError"));
  }

  /** Reads the file. It closes the database when it is closed itself. */
  static async open(database: IDBDatabase, context: FileContext): Promise<IndexedDbFile> {
    const { chunks, number } = await load(database, context.memoryLimit);
    return new IndexedDbFile(database, chunks, number, context);
  }

  /**
   * Resolves when an answer may be sent: when all that was flushed or closed is stored, and, where commits are answered without
   * a flush, when the transaction of all that was written has begun. Rejects when that fails; `undefined` if nothing is to be
   * waited for.
   */
  get pending(): Promise<void> | undefined {
    const { answersUnflushed } = this.#context;
    if (answersUnflushed && this.#chunks.isChanged && this.#failure === undefined) this.#mark(false);
    const [next, running] = [this.#next, this.#running];
    if (next?.isStrict === true) return next.stored.promise;
    if (next !== undefined && answersUnflushed) return next.begun.promise;
    return running?.isStrict === true ? running.stored.promise : undefined;
  }

  /** The number of the transaction with all that was written up to now. */
  get number(): number {
    return this.#next === undefined ? this.#number : this.#number + 1;
  }

  read(buffer: Uint8Array, { at }: { readonly at: number }): number {
    this.#assertGood();
    return this.#chunks.read(buffer, at);
  }

  write(bytes: Uint8Array, { at }: { readonly at: number }): number {
    this.#assertGood();
    this.#reserve(at + bytes.length);
    this.#chunks.write(bytes, at);
    this.#storeLater();
    return bytes.length;
  }

  truncate(length: number): void {
    this.#assertGood();
    this.#reserve(length);
    const before = this.#chunks.bytes;
    this.#chunks.truncate(length);
    if (this.#chunks.bytes < before) this.#context.room.give(before - this.#chunks.bytes);
    this.#storeLater();
  }

  getSize(): number {
    return this.#chunks.length;
  }

  flush(): void {
    this.#assertGood();
    if (this.#chunks.isChanged || this.#isRelaxed) this.#mark(true);
  }

  /** What was written without a flush is stored too. */
  close(): void {
    if (this.#isClosing || this.#failure !== undefined) return;
    this.flush();
    this.#isClosing = true;
    this.#endIfDone();
  }

  #assertGood(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
    if (this.#isClosing) throw new DOMException("the file is closed", "InvalidStateError");
  }

  /** Throws unless there is room for a file of this length. */
  #reserve(length: number): void {
    const { memoryLimit, room } = this.#context;
    const grows = this.#chunks.growth(length);
    if (grows === 0) return;
    if (this.#chunks.bytes + grows > memoryLimit) throw full(limitMessage(memoryLimit));
    if (!room.take(grows)) throw full("the browser's quota for this site is nearly used up");
  }

  #storeLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#chunks.isChanged && this.#failure === undefined && !this.#isClosing) this.#mark(false);
    }, UNFLUSHED_MS);
  }

  /** The flushes of one turn share a transaction. */
  #mark(isStrict: boolean): void {
    if (this.#next === undefined) {
      this.#next = newRound();
      if (this.#running === undefined) queueMicrotask(() => this.#begin());
    }
    this.#next.isStrict ||= isStrict;
  }

  #begin(): void {
    const round = this.#next;
    if (round === undefined || this.#running !== undefined) return;
    this.#next = undefined;
    this.#running = round;
    this.#isRelaxed = !round.isStrict;
    try {
      const transaction = this.#store(round.isStrict);
      // Without `commit` the end of the worker would abort it.
      if (transaction.commit !== undefined) round.begun.resolve();
      transaction.oncomplete = () => {
        this.#running = undefined;
        round.begun.resolve();
        round.stored.resolve();
        this.#begin();
        this.#endIfDone();
      };
      transaction.onabort = () => {
        this.#fail(transaction.error ?? new DOMException("the browser has aborted a transaction", "AbortError"));
      };
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** A transaction with everything that has changed. Values are copied by `put`, so the file may change right after this. */
  #store(isStrict: boolean): IDBTransaction {
    const durability = isStrict ? "strict" : "relaxed";
    const transaction = this.#database.transaction([HEADS, CHUNKS], "readwrite", { durability });
    try {
      const { length, removedFrom, written } = this.#chunks.takeChanges();
      const heads = transaction.objectStore(HEADS);
      const chunks = transaction.objectStore(CHUNKS);
      const head: Head = { format: FORMAT, length, chunkBytes: this.#chunks.size };
      heads.add(head, ++this.#number);
      heads.delete(this.#number - 1);
      if (removedFrom !== undefined) chunks.delete(IDBKeyRange.lowerBound(removedFrom));
      for (const [number, bytes] of written) chunks.put(bytes, number);
      transaction.commit?.();
      this.#context.room.wrote(written.length * this.#chunks.size);
      return transaction;
    } catch (thrown) {
      // Else the part of it that was asked for would be done.
      transaction.abort();
      throw thrown;
    }
  }

  /** From now on nothing is stored: what is stored stays as it was at one moment. */
  #fail(reason: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { reason };
    this.#context.onFailure(reason);
    for (const round of [this.#running, this.#next]) {
      round?.begun.reject(reason);
      round?.stored.reject(reason);
    }
    this.#running = undefined;
    this.#next = undefined;
    this.#end();
  }

  #endIfDone(): void {
    if (this.#isClosing && this.#running === undefined && this.#next === undefined) this.#end();
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#database.onclose = null;
    this.#database.close();
    this.#context.onEnd();
  }
}

function newRound(): Round {
  return { isStrict: false, begun: newSettling(), stored: newSettling() };
}

function newSettling(): Settling {
  let resolve = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<void>((onSuccess, onFailure) => {
    resolve = onSuccess;
    reject = onFailure;
  });
  // Who waits for it hears of its failure; nobody has to wait.
  promise.catch(() => {});
  return { promise, resolve, reject };
}

/** Returns once the transaction is over. A worker that ends before that leaves the connection open for ever in WebKit. */
async function load(database: IDBDatabase, memoryLimit: number): Promise<{ chunks: Chunks; number: number }> {
  const transaction = database.transaction([HEADS, CHUNKS], "readonly");
  const over = new Promise((resolve) => (transaction.oncomplete = transaction.onabort = resolve));
  try {
    return await read(transaction, memoryLimit);
  } finally {
    await over;
  }
}

async function read(transaction: IDBTransaction, memoryLimit: number): Promise<{ chunks: Chunks; number: number }> {
  const heads = transaction.objectStore(HEADS);
  const store = transaction.objectStore(CHUNKS);
  const [numbers, values] = await Promise.all([settled(heads.getAllKeys()), settled(heads.getAll())]);
  const head = values.at(-1) as Head | undefined;
  if (head === undefined) return { chunks: new Chunks(CHUNK_BYTES), number: 0 };
  const { format, length, chunkBytes } = head;
  if (format !== FORMAT) throw new DOMException("a later version of Ferrolite has written it", "NotSupportedError");
  if (length > memoryLimit) throw full(`the file has ${length} bytes, and ${limitMessage(memoryLimit)}`);
  const found: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  for (let first = 0; first * chunkBytes < length; first += CHUNKS_A_READ) {
    const range = IDBKeyRange.bound(first, first + CHUNKS_A_READ, false, true);
    const [keys, buffers] = await Promise.all([settled(store.getAllKeys(range)), settled(store.getAll(range))]);
    keys.forEach((key, index) => (found[key as number] = new Uint8Array(buffers[index] as ArrayBuffer)));
  }
  return { chunks: new Chunks(chunkBytes, length, found), number: numbers.at(-1) as number };
}

/** What the engine's file system layer takes for a full disk. */
function full(message: string): DOMException {
  return new DOMException(message, "QuotaExceededError");
}

function limitMessage(limit: number): string {
  return `in IndexedDB a database is held in memory and has at most ${limit} bytes here; open it with a larger memoryLimit`;
}
