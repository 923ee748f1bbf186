/**
 * What a client has sent and was not answered yet. When the engine is another one, it is sent again, in order: each message
 * has its number, by which an engine knows what was done before.
 */
import type { SessionRequest } from "../protocol.js";
import type { Port } from "./messages.js";

/** What may be under way: beyond it, further calls wait and share messages. */
const BYTES_MAX = 8 << 20;
const MESSAGES_MAX = 16;
/** Engines know for an hour what they have done. What was sent longer ago might be done twice. */
const REPEAT_MS_MAX = 50 * 60_000;

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

  /** `onRoom` is called when there is room again, and `onTooLate` with a request that cannot be sent again. */
  constructor(onRoom: () => void, onTooLate: (id: number) => void) {
    this.#onRoom = onRoom;
    this.#onTooLate = onTooLate;
  }

  get isFull(): boolean {
    return this.#bytes >= BYTES_MAX || this.#unanswered.size >= MESSAGES_MAX;
  }

  /** Sends a request, now or when there is an engine. */
  push(request: SessionRequest): void {
    const entry: Unanswered = { request };
    this.#unanswered.set(request.id, entry);
    this.#bytes += bytesOf(request);
    this.#send(entry);
  }

  /** A request was answered. */
  answered(id: number): void {
    const entry = this.#unanswered.get(id);
    if (entry === undefined) return;
    this.#unanswered.delete(id);
    this.#bytes -= bytesOf(entry.request);
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

  /** The last request for a change of the key that was not answered: it may be done. */
  get rekeying(): (SessionRequest & { kind: "changeKey" }) | undefined {
    const requests = [...this.#unanswered.values()].map(({ request }) => request);
    return requests.findLast((request) => request.kind === "changeKey");
  }

  /** Without transferring anything: it may be needed again. */
  #send(entry: Unanswered): void {
    if (this.#port === undefined) return;
    this.#port.postMessage(entry.sentMs === undefined ? entry.request : { ...entry.request, repeated: true }, []);
    entry.sentMs ??= Date.now();
  }
}

function bytesOf(request: SessionRequest): number {
  return request.kind === "calls" ? request.message.length : 0;
}
