/**
 * What a client has sent and was not answered yet. When the engine is another one, it is sent again, in order: each message
 * has its number, by which an engine knows what was done before.
 */
import type { SessionRequest } from "../protocol/protocol.js";
import { Date } from "../protocol/timers.js";
import type { Port } from "./messages.js";

/** What may be under way: beyond it, further calls wait and share messages. */
const BYTES_MAX = 8 << 20;
const MESSAGES_MAX = 16;
/** Engines know for an hour what they have done. What was sent longer ago might be done twice. */
const REPEAT_MS_MAX = 50 * 60_000;

/** Saves what is not answered, while the page goes away or is away: somebody else may send it. `Saving` does. */
export interface Saver {
  readonly isLeaving: boolean;
  /** The first request that somebody else may still send: the engine has to remember its answer. */
  readonly savedFrom: number;
  /** What is not answered has changed. */
  save(outbox: Outbox): void;
}

interface Unanswered {
  readonly request: SessionRequest;
  /** When it was sent for the first time. */
  sentMs?: number;
}

export class Outbox {
  readonly #onRoom: () => void;
  readonly #onTooLate: (id: number) => void;
  /** In the order of their numbers. */
  readonly #unanswered = new Map<number, Unanswered>();
  #bytes = 0;
  #port: Port | undefined;
  /** Exists once the page has gone away. */
  saver: Saver | undefined;

  /** `onRoom` is called when there is room again, and `onTooLate` with a request that cannot be sent again. */
  constructor(onRoom: () => void, onTooLate: (id: number) => void) {
    this.#onRoom = onRoom;
    this.#onTooLate = onTooLate;
  }

  get isFull(): boolean {
    // A page that goes away has no later.
    return this.saver?.isLeaving !== true && (this.#bytes >= BYTES_MAX || this.#unanswered.size >= MESSAGES_MAX);
  }

  /** Sends a request, now or when there is an engine. */
  push(request: SessionRequest): void {
    const entry: Unanswered = { request };
    this.#unanswered.set(request.id, entry);
    this.#bytes += bytesOf(request);
    this.#send(entry);
    if (this.saver?.isLeaving === true) this.saver.save(this);
  }

  /** A request was answered. */
  answered(id: number): void {
    const entry = this.#unanswered.get(id);
    if (entry === undefined) return;
    this.#unanswered.delete(id);
    this.#bytes -= bytesOf(entry.request);
    this.saver?.save(this);
    this.#onRoom();
  }

  /** There is an engine: sends all that is not answered, and from now on what comes. */
  connect(port: Port): void {
    this.#port = port;
    const oldestMs = Date.now() - REPEAT_MS_MAX;
    for (const entry of [...this.#unanswered.values()]) {
      const { sentMs = oldestMs, request } = entry;
      if (sentMs >= oldestMs) this.#send(entry);
      else {
        this.#onTooLate(request.id);
        this.answered(request.id);
      }
    }
  }

  /** The engine is gone. */
  disconnect(): void {
    this.#port = undefined;
  }

  /** What is not answered, in order. */
  get requests(): SessionRequest[] {
    return [...this.#unanswered.values()].map(({ request }) => request);
  }

  /** From now on all that is not answered may have been sent, by somebody else. */
  sent(): void {
    for (const entry of this.#unanswered.values()) entry.sentMs ??= Date.now();
  }

  /** Without transferring anything: it may be needed again. */
  #send(entry: Unanswered): void {
    if (this.#port === undefined) return;
    // All before the first one that is not answered are: the engine forgets what it has answered to them.
    const answered = Math.min(this.#unanswered.keys().next().value ?? entry.request.id, this.saver?.savedFrom ?? Infinity);
    this.#port.postMessage({ ...entry.request, answered, ...(entry.sentMs === undefined ? {} : { repeated: true }) }, []);
    entry.sentMs ??= Date.now();
  }
}

function bytesOf(request: SessionRequest): number {
  return request.kind === "calls" ? request.message.length : 0;
}
