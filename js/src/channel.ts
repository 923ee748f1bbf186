/**
 * The client's end of the protocol. Calls made in one turn of the event loop are gathered and sent as one message, so
 * they share one commit to the log and one flush; the answer to them is one buffer that is decoded and parsed once.
 */
import { type Attach, withAttachments } from "./bytes.js";
import { FerroliteError } from "./error.js";
import { OK, PENDING, type Request, type Response, type Result } from "./protocol.js";
import { finishedOf, resultsOf } from "./results.js";

/** Text that is sent without waiting for the end of the turn: beyond it, gathering saves nothing and holds memory. */
const MESSAGE_CHARACTERS_MAX = 4 << 20;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: FerroliteError): void;
}

/** Hands a request over, and with it the buffers in it. */
type Post = (request: Request, transfer: ArrayBuffer[]) => void;

/** A `Request` without its number. */
type Numberless<R> = R extends Request ? Omit<R, "id"> : never;

export class Channel {
  readonly #post: Post;
  readonly #messages = new Map<number, Waiting<Result>[]>();
  readonly #requests = new Map<number, Waiting<unknown>>();
  readonly #tasks = new Map<number, Waiting<Result>>();
  readonly #encoder = new TextEncoder();
  #texts: string[] = [];
  #attachments: Uint8Array[] = [];
  #calls: Waiting<Result>[] = [];
  #characters = 0;
  #id = 0;
  #failure: FerroliteError | undefined;
  /** Is told how much of a salvage is done. */
  onProgress: ((done: number) => void) | undefined;

  /** `post` hands a request to the session, whose responses go to `receive`. */
  constructor(post: Post) {
    this.#post = post;
  }

  /** Sends one call, `[verb, ...arguments]` as JSON text, with the others of this turn. */
  call(text: string): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (this.#texts.length === 0) queueMicrotask(() => this.#send());
      this.#texts.push(text);
      this.#calls.push({ resolve, reject });
      this.#characters += text.length;
      if (this.#characters >= MESSAGE_CHARACTERS_MAX) this.#send();
    });
  }

  /** Copies bytes for the message that is being gathered; the call that follows names them by their number. */
  readonly attach: Attach = (bytes) => {
    this.#characters += bytes.length;
    return this.#attachments.push(bytes.slice()) - 1;
  };

  /** Sends a request that is a message of its own, after all calls made before it, and hands over the secret or the bytes in it. */
  request(request: Numberless<Request>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#send();
      if (this.#failure !== undefined) return reject(this.#failure);
      const id = ++this.#id;
      this.#requests.set(id, { resolve, reject });
      this.#deliver({ ...request, id }, buffersOf(request));
    });
  }

  /** Takes a response of the session. */
  receive(response: Response): void {
    if ("fatal" in response) {
      this.fail(FerroliteError.from(response.fatal, "Internal"));
    } else if ("finished" in response) {
      const [task, result] = finishedOf(response.finished);
      take(this.#tasks, task)?.resolve(result);
    } else if ("progress" in response) {
      this.onProgress?.(response.progress);
    } else if ("answer" in response) {
      this.#settle(take(this.#messages, response.id) ?? [], response.answer);
    } else if ("error" in response) {
      const error = FerroliteError.from(response.error, "Internal");
      take(this.#requests, response.id)?.reject(error);
      for (const call of take(this.#messages, response.id) ?? []) call.reject(error);
    } else {
      take(this.#requests, response.id)?.resolve(response.value);
    }
  }

  /** Rejects everything that waits, and everything still to come. */
  fail(error: FerroliteError): void {
    this.#failure ??= error;
    const calls = [...this.#messages.values()].flat();
    const waiting = [...calls, ...this.#calls, ...this.#tasks.values(), ...this.#requests.values()];
    this.#messages.clear();
    this.#requests.clear();
    this.#tasks.clear();
    this.#texts = [];
    this.#attachments = [];
    this.#calls = [];
    for (const call of waiting) call.reject(error);
  }

  #send(): void {
    if (this.#texts.length === 0) return;
    const message = withAttachments(this.#encoder.encode(`[${this.#texts.join(",")}]`), this.#attachments);
    const id = ++this.#id;
    this.#messages.set(id, this.#calls);
    this.#texts = [];
    this.#attachments = [];
    this.#calls = [];
    this.#characters = 0;
    this.#deliver({ kind: "calls", id, message }, [message.buffer]);
  }

  #deliver(request: Request, transfer: ArrayBuffer[]): void {
    try {
      this.#post(request, transfer);
    } catch (thrown) {
      // What cannot be posted: options with functions in them, say.
      this.receive({ id: request.id, error: FerroliteError.from(thrown, "InvalidOptions").report() });
    }
  }

  #settle(calls: Waiting<Result>[], answer: Uint8Array): void {
    let results: readonly Result[];
    try {
      results = resultsOf(answer);
    } catch (thrown) {
      const error = FerroliteError.from(thrown, "Internal", "the engine's answer was not understood");
      for (const call of calls) call.reject(error);
      return;
    }
    calls.forEach((call, index) => {
      const result = results[index] ?? [OK];
      if (result[0] === PENDING) this.#tasks.set(result[1], call);
      else call.resolve(result);
    });
  }
}

function buffersOf(request: Numberless<Request>): ArrayBuffer[] {
  if ("bytes" in request) return [request.bytes.buffer];
  return "encryption" in request && request.encryption ? [request.encryption.secret.buffer] : [];
}

function take<V>(map: Map<number, V>, id: number): V | undefined {
  const value = map.get(id);
  map.delete(id);
  return value;
}
