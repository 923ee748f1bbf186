/**
 * The way from the verbs to an engine in the same thread: a request is answered before it returns. Work in slices goes on at
 * once, until it is done; what waits for changes, or for the time, comes as a promise.
 */
import { type Attach, withAttachments } from "../bytes.js";
import type { EngineWatcher } from "../channel.js";
import { FerroliteError } from "../error.js";
import { ERROR, OK, PENDING, type Response, type Result, type SessionRequest } from "../protocol.js";
import { finishedOf, resultsOf } from "../results.js";
import type { Session } from "../session.js";

/** A `SessionRequest` without its number. */
type Numberless<R> = R extends SessionRequest ? Omit<R, "id"> : never;

/** Who waits for the result of a task. */
interface Waiting {
  resolve(result: Result): void;
  reject(error: FerroliteError): void;
}

export class Channel {
  readonly #session: Session;
  /** The engine is the same as long as the database is open. */
  readonly epoch = 0;
  readonly watches = new Set<EngineWatcher>();
  readonly #tasks = new Map<number, Waiting>();
  readonly #finished = new Map<number, Result>();
  readonly #encoder = new TextEncoder();
  #attachments: Uint8Array[] = [];
  #response: Response | undefined;
  #failure: FerroliteError | undefined;
  #id = 0;

  /** `connect` makes the session, whose responses it gives to what it is given. */
  constructor(connect: (receive: (response: Response) => void) => Session) {
    this.#session = connect((response) => this.#receive(response));
  }

  /** Takes bytes for the call that follows. */
  readonly attach: Attach = (bytes) => this.#attachments.push(bytes) - 1;

  /** The result of one call, `[verb, ...arguments]` as JSON text; a promise of it when it waits for something to happen. */
  call(text: string): Result | Promise<Result> {
    const response = this.#ask({ kind: "calls", id: ++this.#id, message: this.#message(`[${text}]`) });
    const [result = [OK]] = "answer" in response ? resultsOf(response.answer) : [];
    if (result[0] !== PENDING) return result as Result;
    const task = result[1] as number;
    while (!this.#finished.has(task) && this.#session.step());
    const finished = this.#finished.get(task);
    this.#finished.delete(task);
    if (this.#failure !== undefined) throw this.#failure;
    return finished ?? new Promise((resolve, reject) => this.#tasks.set(task, { resolve, reject }));
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
    this.#session.handle(request);
    const response = this.#response as Response | undefined;
    this.#response = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    if (response === undefined) throw new FerroliteError("Internal", "the engine gave no answer");
    if ("error" in response) throw FerroliteError.from(response.error, "Internal");
    return response;
  }

  #receive(response: Response): void {
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
