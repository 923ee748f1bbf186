/**
 * The engine's end of the protocol: answers the messages of its clients, and between them does the work that nobody waits
 * for. Client 0 is there from the beginning; in process, and in memory, there is no other.
 *
 * There are three kinds of that work. Tasks are calls whose work comes in slices, as `createIndex`, and calls that wait for
 * changes; a caller waits for them, so they go on whenever no message is there. Maintenance (flushing memtables, compaction)
 * begins once no message has come for `QUIET_MS`. And a timer syncs what under periodic durability no later write will, and
 * wakes who waits for something that expires. No turn takes longer than `SLICE_MS`, so that a message never waits longer for
 * it.
 */
import { type KeyMaterial, wipe } from "../arguments/encryption.js";
import { type ErrorReport, isReport } from "../error.js";
import type { Connection } from "./ferrolite.js";
import { ERROR, type Response, type Result, type SessionRequest, TEXT_MAX } from "./protocol.js";
import { isWhole, RestMissing } from "./rest.js";
import { performance } from "./timers.js";

/** The longest turn of background work. */
const SLICE_MS = 4;
/** How long after the last message maintenance begins. */
const QUIET_MS = 5;
/** When maintenance looks again whether the rest of the engine is there: it is not what that is fetched at once for. */
const REST_MS = 100;
/** Bytes of maintenance between two looks at the clock. */
const MAINTENANCE_BYTES = 32 << 10;

/** How often clients are told how far their watches are, to go on from there at another engine. */
const PASSED_MS = 1000;

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

/** Returns what clients are told of an engine that stopped. */
export function stopReport(thrown: unknown): ErrorReport {
  const message = `the engine stopped, and this database with it; open it again (${(thrown as Error)?.message ?? thrown})`;
  return { code: thrown instanceof RestMissing ? "Io" : "Internal", message };
}

type Reply = (response: Response, transfer: ArrayBuffer[]) => void;

/** A request, which another engine may have got before. The client has the answers of all requests before `answered`. */
type Numbered = SessionRequest & { readonly repeated?: boolean; readonly answered?: number };

export class Session {
  readonly #connection: Connection;
  readonly #textMax: number;
  readonly #scheduler: Scheduler;
  readonly #clients = new Map<number, Reply>();
  #messages = 0;
  #lastMessageMs = 0;
  #turnIsDue = false;
  /** True if the process does not end before that turn. */
  #turnIsKept = false;
  #ended = false;
  #cancelQuiet: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;
  #cancelPassed: (() => void) | undefined;
  /** When that timer ends. */
  #syncMs = 0;
  /** Is called when the engine stops: with the client whose message was the reason, unless it was nobody's. */
  onStop: ((error: ErrorReport, client: number | undefined) => void) | undefined;

  /** `reply` is for the first client. Longer answers than `textMax` are bytes; in one thread none are. */
  constructor(connection: Connection, scheduler: Scheduler, reply: Reply, textMax = TEXT_MAX) {
    this.#textMax = textMax;
    this.#connection = connection;
    this.#scheduler = scheduler;
    this.#clients.set(FIRST, reply);
  }

  /** Another client; its number here. */
  join(id: Uint8Array, readOnly: boolean, reply: Reply): number {
    const client = this.#connection.join(id, readOnly);
    this.#clients.set(client, reply);
    return client;
  }

  /** A client is gone: lets go of all that it holds. */
  leave(client: number): void {
    if (!this.#clients.delete(client) || this.#ended) return;
    this.#guarded(() => {
      this.#connection.leave(client);
      this.#plan();
    });
  }

  /** Answers one request. An engine that stopped is told as `fatal`, and nothing is answered after that. */
  handle(request: Numbered, client = FIRST): void {
    const { id } = request;
    this.#messages++;
    this.#lastMessageMs = performance.now();
    const reply = this.#clients.get(client);
    if (reply === undefined) return;
    try {
      if (request.kind === "calls") {
        const { message, repeated = false, answered = 0 } = request;
        if (typeof message === "string") {
          const answer = this.#connection.ask(client, id, repeated, answered, message, this.#textMax);
          reply({ id, answer }, typeof answer === "string" ? [] : [answer.buffer]);
        } else {
          const answer = this.#connection.execute(client, id, repeated, answered, message);
          reply({ id, answer }, [answer.buffer]);
        }
      } else if (request.kind === "exportChunk") {
        const value = this.#connection.exportChunk(client, request.number);
        reply({ id, value }, value === undefined ? [] : [value.buffer]);
      } else {
        reply({ id, value: this.#answer(request, client) }, []);
      }
      this.#plan();
    } catch (thrown) {
      if (isReport(thrown)) reply({ id, error: thrown }, []);
      else this.#fail(thrown, client);
    }
  }

  /** True if the file is closed, or the engine stopped. */
  get isOver(): boolean {
    return this.#ended;
  }

  /** Closes the file. Nothing is answered any more. */
  close(): void {
    this.#end();
    this.#connection.close();
  }

  #answer(request: SessionRequest & { kind: "changeKey" | "stats" | "close" }, client: number): unknown {
    if (request.kind === "stats") return this.#stats();
    if (request.kind === "changeKey") return this.#changeKey(request.encryption, client);
    // The first client of a shared engine in a browser never closes: the engine does.
    return this.#clients.size === 1 ? this.close() : this.#bidFarewell(request.id, client);
  }

  #changeKey(encryption: KeyMaterial, client: number): void {
    try {
      this.#connection.changeKey(client, encryption.terms, encryption.secret);
    } finally {
      wipe(encryption);
    }
  }

  #stats(): unknown {
    return { ...(this.#connection.stats() as object), messages: this.#messages };
  }

  /** A client closes, and the file stays open for the others: what it has written is put on the disk. */
  #bidFarewell(id: number, client: number): undefined {
    const [result] = JSON.parse(this.#connection.ask(client, id, false, 0, '[["flush"]]', this.#textMax) as string) as [Result];
    this.#clients.delete(client);
    this.#connection.leave(client);
    // Who was opened for reading, or a database that has failed, has nothing to flush.
    if (result[0] === ERROR && !["ReadOnly", "Failed"].includes(result[1].code)) throw result[1];
  }

  /** Sees to it that what is left to do after a message will be done. */
  #plan(): void {
    if (this.#ended) return;
    if (this.#connection.hasTasks()) this.#takeTurn(true);
    this.#cancelQuiet ??= this.#scheduler.later(() => this.#whenQuiet(), QUIET_MS);
    this.#planSync();
    if (this.#clients.size > 1) this.#cancelPassed ??= this.#scheduler.later(() => this.#tellPassed(), PASSED_MS);
  }

  #tellPassed(): void {
    this.#cancelPassed = undefined;
    for (const [client, reply] of this.#clients) {
      const passed = this.#connection.watchesPassed(client);
      if (passed.length > 0) reply({ passed }, []);
    }
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
    const waitMs = isWhole() ? QUIET_MS - waitedMs : REST_MS;
    if (waitMs > 0) this.#cancelQuiet = this.#scheduler.later(() => this.#whenQuiet(), Math.ceil(waitMs));
    else this.#takeTurn(false);
  }

  #takeTurn(keepAlive: boolean): void {
    // One that nobody waits for might never come.
    if (this.#turnIsDue && (this.#turnIsKept || !keepAlive)) return;
    this.#turnIsDue = true;
    this.#turnIsKept = keepAlive;
    this.#scheduler.soon(() => this.#turn(), keepAlive);
  }

  /** One turn: of the tasks, while there are some; else of maintenance, while nobody calls. */
  #turn(): void {
    this.#turnIsDue = false;
    if (this.#ended) return;
    // A failed slice has changed nothing; the engine tells of the reason when the next write meets it.
    this.#guarded(() => {
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
    });
  }

  /** Does a slice of what somebody waits for, out of turn; whether there was anything to do. */
  step(): boolean {
    if (this.#ended || !this.#connection.hasTasks()) return false;
    try {
      this.#step();
    } catch (thrown) {
      if (!isReport(thrown)) this.#fail(thrown, undefined);
      return false;
    }
    return true;
  }

  #step(): void {
    const [client, finished] = this.#connection.step() ?? [];
    if (client !== undefined && finished !== undefined) this.#clients.get(client)?.({ finished }, [finished.buffer]);
  }

  #sync(): void {
    this.#cancelSync = undefined;
    // A failed flush closes the engine to writes: the next one is told so.
    this.#guarded(() => {
      this.#connection.sync();
      if (this.#connection.hasTasks()) this.#takeTurn(true);
      this.#planSync();
    });
  }

  /** Does work that nobody is told of when it fails, unless the engine stops. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      if (!isReport(thrown)) this.#fail(thrown, undefined);
    }
  }

  #end(): void {
    this.#ended = true;
    this.#cancelQuiet?.();
    this.#cancelSync?.();
    this.#cancelPassed?.();
  }

  /** What wasm throws apart from error reports is a panic, a lack of memory or of its rest; its state is not to be trusted. */
  #fail(thrown: unknown, client: number | undefined): void {
    this.#end();
    const error = stopReport(thrown);
    this.#clients.get(client ?? FIRST)?.({ fatal: error }, []);
    this.onStop?.(error, client);
  }
}
