/**
 * The way from the verbs to an engine in the same thread: a request is answered before it returns. Work in slices goes on at
 * once, until it is done; what waits for changes, or for the time, comes as a promise.
 */
import { type Attach, copyOfBytes, withAttachments } from "../streams/bytes.js";
import type { EngineWatcher } from "../protocol/channel.js";
import { FerroliteError } from "../error.js";
import { ERROR, OK, PENDING, type Response, type Result, type SessionRequest } from "../protocol/protocol.js";
import { finishedOf, resultsOf } from "../protocol/results.js";

/** A `SessionRequest` without its number. */
type Numberless<R> = R extends SessionRequest ? Omit<R, "id"> : never;

/** An engine in the same thread, which answers a request before `handle` returns. */
interface Engine {
  handle(request: SessionRequest): void;
  /** Does a slice of a task; whether there was anything to do. */
  step(): boolean;
}

/** Who waits for the result of a task. */
interface Waiting {
  /** The call. */
  readonly text: string;
  resolve(result: Result | Promise<Result>): void;
  reject(error: unknown): void;
}

export class Channel {
  #engine: Engine | undefined;
  #epoch = 0;
  readonly watches = new Set<EngineWatcher>();
  readonly #tasks = new Map<number, Waiting>();
  readonly #finished = new Map<number, Result>();
  readonly #encoder = new TextEncoder();
  #attachments: Uint8Array[] = [];
  #response: Response | undefined;
  #failure: FerroliteError | undefined;
  #id = 0;

  /** Takes the engine, whose responses go to `receive`. */
  connect(engine: Engine): void {
    this.#engine = engine;
  }

  /** Grows whenever another engine answers: what was opened before is unknown to it. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Another engine answers from now on: what waits there is asked again. */
  renew(): void {
    this.#epoch++;
    const tasks = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const { text, resolve, reject } of tasks) {
      try {
        resolve(this.call(text));
      } catch (thrown) {
        reject(thrown);
      }
    }
    for (const watch of [...this.watches]) watch.renewed();
  }

  /** Copies bytes for the call that follows. */
  readonly attach: Attach = (bytes) => this.#attachments.push(copyOfBytes(bytes)) - 1;

  /** The result of one call, `[verb, ...arguments]` as JSON text; a promise of it when it waits for something to happen. */
  call(text: string): Result | Promise<Result> {
    const response = this.#ask({ kind: "calls", id: ++this.#id, message: this.#message(`[${text}]`) });
    const [result = [OK]] = "answer" in response ? resultsOf(response.answer) : [];
    if (result[0] !== PENDING) return result as Result;
    const task = result[1] as number;
    while (!this.#finished.has(task) && this.#engine?.step() === true);
    const finished = this.#finished.get(task);
    this.#finished.delete(task);
    if (this.#failure !== undefined) throw this.#failure;
    return finished ?? new Promise((resolve, reject) => this.#tasks.set(task, { text, resolve, reject }));
  }

  /** What is answered to a request that is a message of its own. */
  request(request: Numberless<SessionRequest>): unknown {
    const response = this.#ask({ ...request, id: ++this.#id } as SessionRequest);
    return "value" in response ? response.value : undefined;
  }

  /** Throws for everything from now on, and rejects what waits. */
  fail(error: FerroliteError): void {
    this.#failure ??= error;
    for (const { reject } of this.#tasks.values()) reject(error);
    this.#tasks.clear();
  }

  #message(text: string): Uint8Array<ArrayBuffer> | string {
    if (this.#attachments.length === 0) return text;
    const message = withAttachments(this.#encoder.encode(text), this.#attachments);
    this.#attachments = [];
    return message;
  }

  #ask(request: SessionRequest): Response {
    if (this.#failure !== undefined) throw this.#failure;
    this.#response = undefined;
    this.#engine?.handle(request);
    const response = this.#response as Response | undefined;
    this.#response = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    if (response === undefined) throw new FerroliteError("Internal", "the engine gave no answer");
    if ("error" in response) throw FerroliteError.from(response.error, "Internal");
    return response;
  }

  /** Takes a response of the engine. */
  receive(response: Response): void {
    if ("fatal" in response) {
      this.fail(FerroliteError.from(response.fatal, "Internal"));
    } else if ("finished" in response) {
      const [task, result] = finishedOf(response.finished);
      const waiting = this.#tasks.get(task);
      this.#tasks.delete(task);
      if (waiting === undefined) this.#finished.set(task, result);
      else waiting.resolve(result);
    } else {
      this.#response = response;
    }
  }
}

/** The value of a result, or its error as an exception. */
export function valueOf(result: Result): unknown {
  if (result[0] === ERROR) throw FerroliteError.from(result[1], "Internal");
  return result[1];
}
