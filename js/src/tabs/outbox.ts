/**
 * What a client has sent and was not answered yet. When the engine is another one, it is sent again, in order: each message
 * has its number, by which an engine knows what was done before.
 */
import type { SessionRequest } from "../protocol.js";
import { Date } from "../timers.js";
import type { Port } from "./messages.js";

/** What may be under way: beyond it, further calls wait and share messages. */
const BYTES_MAX = 8 << 20;
const MESSAGES_MAX = 16;
/** Engines know for an hour what they have done. What was sent longer ago might be done twice. */
const REPEAT_MS_MAX = 50 * 60_000;
/** How long others may take to send what this page has saved and has sent itself since. */
const SAVED_MS = 600_000;

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
  /** The first request that was ever saved, and when requests were saved last. */
  #saved: { readonly from: number; readonly ms: number } | undefined;
  #port: Port | undefined;
  /** Takes what is unanswered, while the page goes away or is away. */
  #save: ((requests: readonly SessionRequest[]) => void) | undefined;
  #isBack = false;

  /** `onRoom` is called when there is room again, and `onTooLate` with a request that cannot be sent again. */
  constructor(onRoom: () => void, onTooLate: (id: number) => void) {
    this.#onRoom = onRoom;
    this.#onTooLate = onTooLate;
  }

  get isFull(): boolean {
    // A page that goes away has no later.
    return !this.#isLeaving && (this.#bytes >= BYTES_MAX || this.#unanswered.size >= MESSAGES_MAX);
  }

  /** Sends a request, now or when there is an engine. */
  push(request: SessionRequest): void {
    const entry: Unanswered = { request };
    this.#unanswered.set(request.id, entry);
    this.#bytes += bytesOf(request);
    this.#send(entry);
    if (this.#isLeaving) this.#saveAll();
  }

  /** A request was answered. */
  answered(id: number): void {
    const entry = this.#unanswered.get(id);
    if (entry === undefined) return;
    this.#unanswered.delete(id);
    this.#bytes -= bytesOf(entry.request);
    this.#saveAll();
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

  /** The page goes away: gives all that is unanswered to `save`, now and whenever it changes. */
  leave(save: (requests: readonly SessionRequest[]) => void): void {
    this.#save = save;
    this.#isBack = false;
    this.#saveAll();
  }

  /** The page is back. What was saved is taken out when it is answered. */
  comeBack(): void {
    this.#isBack = true;
    this.#saveAll();
  }

  get #isLeaving(): boolean {
    return this.#save !== undefined && !this.#isBack;
  }

  /** The first request that somebody else may still send: the engine has to remember its answer. */
  get #savedFrom(): number {
    if (this.#save === undefined && Date.now() - (this.#saved?.ms ?? 0) > SAVED_MS) this.#saved = undefined;
    return this.#saved?.from ?? Infinity;
  }

  #saveAll(): void {
    if (this.#save === undefined) return;
    // Somebody else may send what is saved.
    for (const entry of this.#unanswered.values()) entry.sentMs ??= Date.now();
    const [first] = this.#unanswered.keys();
    if (first !== undefined) this.#saved = { from: Math.min(first, this.#saved?.from ?? first), ms: Date.now() };
    this.#save([...this.#unanswered.values()].map(({ request }) => request));
    if (this.#isBack && this.#unanswered.size === 0) this.#save = undefined;
  }

  /** The engine is gone. */
  disconnect(): void {
    this.#port = undefined;
  }

  /** The last request for a change of the key that was not answered: it may be done. */
  get rekeying(): (SessionRequest & { kind: "changeKey" }) | undefined {
    const requests = [...this.#unanswered.values()].map(({ request }) => request);
    return requests.findLast((request) => request.kind === "changeKey");
  }

  /** Without transferring anything: it may be needed again. */
  #send(entry: Unanswered): void {
    if (this.#port === undefined) return;
    // All before the first one that is not answered are: the engine forgets what it has answered to them.
    const answered = Math.min(this.#unanswered.keys().next().value ?? entry.request.id, this.#savedFrom);
    this.#port.postMessage({ ...entry.request, answered, ...(entry.sentMs === undefined ? {} : { repeated: true }) }, []);
    entry.sentMs ??= Date.now();
  }
}

function bytesOf(request: SessionRequest): number {
  return request.kind === "calls" ? request.message.length : 0;
}
