/**
 * The engine's end of the protocol: answers messages, and between them does the work that nobody waits for.
 *
 * There are three kinds of that. Tasks are calls whose work comes in slices, as `createIndex`, and calls that wait for
 * changes; a caller waits for them, so they go on whenever no message is there. Maintenance (flushing memtables, compaction)
 * begins once no message has come for `QUIET_MS`. And a timer syncs what under periodic durability no later write will, and
 * wakes who waits for something that expires. No turn takes longer than `SLICE_MS`, so that a message never waits longer for
 * it.
 */
import { type KeyMaterial, wipe } from "./encryption.js";
import { isReport } from "./error.js";
import type { Connection } from "./ferrolite.js";
import type { Response, SessionRequest } from "./protocol.js";
import { RestMissing } from "./rest.js";

/** The longest turn of background work. */
const SLICE_MS = 4;
/** How long after the last message maintenance begins. */
const QUIET_MS = 5;
/** Bytes of maintenance between two looks at the clock. */
const MAINTENANCE_BYTES = 32 << 10;

/** Longer timers end at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The client that is there from the beginning. */
const FIRST = 0;

/** How this host runs things later. */
export interface Scheduler {
  /** Runs `work` after the events that wait already; `keepAlive`: the process does not end before it. */
  soon(work: () => void, keepAlive: boolean): void;
  /** Runs `work` after so many milliseconds, unless the process ends before; returns how to call it off. */
  later(work: () => void, milliseconds: number): () => void;
}

type Reply = (response: Response, transfer: ArrayBuffer[]) => void;

export class Session {
  readonly #connection: Connection;
  readonly #scheduler: Scheduler;
  readonly #reply: Reply;
  #messages = 0;
  #lastMessageMs = 0;
  #turnIsDue = false;
  #ended = false;
  #cancelQuiet: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;
  /** When that timer ends. */
  #syncMs = 0;

  constructor(connection: Connection, scheduler: Scheduler, reply: Reply) {
    this.#connection = connection;
    this.#scheduler = scheduler;
    this.#reply = reply;
  }

  /** Answers one request. An engine that stopped is told as `fatal`, and nothing is answered after that. */
  handle(request: SessionRequest): void {
    const { id } = request;
    this.#messages++;
    this.#lastMessageMs = performance.now();
    try {
      if (request.kind === "calls") {
        const answer = this.#connection.execute(FIRST, id, false, request.message);
        this.#reply({ id, answer }, [answer.buffer]);
      } else if (request.kind === "exportChunk") {
        const value = this.#connection.exportChunk(FIRST, request.number);
        this.#reply({ id, value }, value === undefined ? [] : [value.buffer]);
      } else {
        this.#reply({ id, value: this.#answer(request) }, []);
      }
      this.#plan();
    } catch (thrown) {
      if (isReport(thrown)) this.#reply({ id, error: thrown }, []);
      else this.#fail(thrown);
    }
  }

  #answer(request: SessionRequest & { kind: "changeKey" | "stats" | "close" }): unknown {
    if (request.kind === "stats") return this.#stats();
    return request.kind === "close" ? this.#close() : this.#changeKey(request.encryption);
  }

  #changeKey(encryption: KeyMaterial): void {
    try {
      this.#connection.changeKey(encryption.terms, encryption.secret);
    } finally {
      wipe(encryption);
    }
  }

  #stats(): unknown {
    return { ...(this.#connection.stats() as object), messages: this.#messages };
  }

  #close(): undefined {
    this.#end();
    this.#connection.close();
  }

  /** Sees to it that what is left to do after a message will be done. */
  #plan(): void {
    if (this.#ended) return;
    if (this.#connection.hasTasks()) this.#takeTurn(true);
    this.#cancelQuiet ??= this.#scheduler.later(() => this.#whenQuiet(), QUIET_MS);
    this.#planSync();
  }

  #planSync(): void {
    const waitMs = this.#connection.nextSync();
    if (waitMs === undefined) return;
    const dueMs = performance.now() + waitMs;
    if (this.#cancelSync !== undefined && this.#syncMs <= dueMs + 1) return;
    this.#cancelSync?.();
    this.#syncMs = dueMs;
    this.#cancelSync = this.#scheduler.later(() => this.#sync(), Math.min(Math.ceil(waitMs), TIMER_MS_MAX));
  }

  #whenQuiet(): void {
    const waitedMs = performance.now() - this.#lastMessageMs;
    this.#cancelQuiet = undefined;
    if (waitedMs < QUIET_MS) {
      this.#cancelQuiet = this.#scheduler.later(() => this.#whenQuiet(), Math.ceil(QUIET_MS - waitedMs));
    } else {
      this.#takeTurn(false);
    }
  }

  #takeTurn(keepAlive: boolean): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    this.#scheduler.soon(() => this.#turn(), keepAlive);
  }

  /** One turn: of the tasks, while there are some; else of maintenance, while nobody calls. */
  #turn(): void {
    this.#turnIsDue = false;
    if (this.#ended) return;
    try {
      const endMs = performance.now() + SLICE_MS;
      if (this.#connection.hasTasks()) {
        do this.#step();
        while (this.#connection.hasTasks() && performance.now() < endMs);
        this.#plan();
        return;
      }
      let more = true;
      while (more && performance.now() < endMs) more = this.#connection.maintain(MAINTENANCE_BYTES);
      if (more) this.#takeTurn(false);
    } catch (thrown) {
      // A failed slice has changed nothing; the engine tells of the reason when the next write meets it.
      if (!isReport(thrown)) this.#fail(thrown);
    }
  }

  /** Does a slice of what somebody waits for, out of turn; whether there was anything to do. */
  step(): boolean {
    if (this.#ended || !this.#connection.hasTasks()) return false;
    try {
      this.#step();
    } catch (thrown) {
      if (!isReport(thrown)) this.#fail(thrown);
      return false;
    }
    return true;
  }

  #step(): void {
    const finished = this.#connection.step()?.[1];
    if (finished !== undefined) this.#reply({ finished }, [finished.buffer]);
  }

  #sync(): void {
    this.#cancelSync = undefined;
    try {
      this.#connection.sync();
      if (this.#connection.hasTasks()) this.#takeTurn(true);
      this.#planSync();
    } catch (thrown) {
      // A failed flush closes the engine to writes: the next one is told so.
      if (!isReport(thrown)) this.#fail(thrown);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#cancelQuiet?.();
    this.#cancelSync?.();
  }

  /** What wasm throws apart from error reports is a panic, a lack of memory or of its rest; its state is not to be trusted. */
  #fail(thrown: unknown): void {
    this.#end();
    const message = `the engine stopped, and this database with it; open it again (${(thrown as Error)?.message ?? thrown})`;
    this.#reply({ fatal: { code: thrown instanceof RestMissing ? "Io" : "Internal", message } }, []);
  }
}
