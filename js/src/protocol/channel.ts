/**
 * The client's end of the protocol. Calls made in one turn of the event loop are gathered and sent as one message, so
 * they share one commit to the log and one flush; the answer to them is one buffer that is decoded and parsed once.
 */
import { type Attach, copyOfBytes, withAttachments } from "../streams/bytes.js";
import { FerroliteError } from "../error.js";
import { OK, PENDING, type Request, type Response, type Result } from "./protocol.js";
import { finishedOf, resultsOf } from "./results.js";
import { aborted } from "../arguments/signals.js";
import { queueMicrotask } from "./timers.js";

/** Text that is sent without waiting for the end of the turn: beyond it, gathering saves nothing and holds memory. */
const MESSAGE_CHARACTERS_MAX = 4 << 20;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: FerroliteError): void;
}

/** A call, whose text is kept until its result is there: the engine may be another one by then. */
interface Call extends Waiting<Result> {
  readonly text: string;
  /** True if it leaves the queue when its signal is aborted. */
  readonly isAbortable?: boolean;
}

/** Calls that travel together. */
interface Batch {
  readonly calls: Call[];
  readonly attachments: Uint8Array[];
  characters: number;
  /** Nothing more goes into it. */
  isSealed: boolean;
  /** True if its last call is abortable. */
  isAbortable: boolean;
}

/** What is a message of its own. */
interface Single extends Waiting<unknown> {
  readonly request: Numberless<Request>;
}

/** Who wants to know what becomes of watches. */
export interface EngineWatcher {
  /** Another engine answers from now on. */
  renewed(): void;
  /** The watch of this number has told all up to a version. */
  passed(id: number, version: number): void;
}

/** Hands a request over, and with it the buffers in it. */
type Post = (request: Request, transfer: Transferable[]) => void;

/** A `Request` without its number. */
type Numberless<R> = R extends Request ? Omit<R, "id"> : never;

export class Channel {
  readonly #post: Post;
  readonly #isFull: () => boolean;
  readonly #textMax: number;
  readonly #messages = new Map<number, Call[]>();
  readonly #requests = new Map<number, Waiting<unknown>>();
  readonly #tasks = new Map<number, Call>();
  readonly #encoder = new TextEncoder();
  /** What is to be sent; calls that are made now go into the last one. */
  #queue: (Batch | Single)[] = [];
  #isDue = false;
  /** The message with an abortable call that was not answered yet. The next one stays in the queue, where it can be aborted. */
  #abortable: number | undefined;
  #id = 0;
  #epoch = 0;
  readonly watches = new Set<EngineWatcher>();
  #failure: FerroliteError | undefined;
  /** True once the worker's script and its engine are loaded. */
  isLoaded = false;
  /** Is told how much of a salvage is done. */
  onProgress: ((done: number) => void) | undefined;

  /**
   * `post` hands a request to the session, whose responses go to `receive`. While `isFull` nothing is handed over, and calls
   * of several turns are gathered; `pump` is to be called when that is over. Calls of at most `textMax` characters together
   * are not made into bytes.
   */
  constructor(post: Post, isFull: () => boolean = () => false, textMax = 0) {
    this.#post = post;
    this.#isFull = isFull;
    this.#textMax = textMax;
  }

  /** Grows whenever another engine answers: what was opened before is unknown to it. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Sends one call, `[verb, ...arguments]` as JSON text, with the others of this turn. If its signal is aborted before the call
   * was sent, it leaves the queue and is rejected; later, the signal changes nothing.
   */
  call(text: string, signal?: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      if (signal === undefined) return this.#gather({ text, resolve, reject });
      const leave = () => {
        if (this.#withdraw(call)) reject(aborted(signal, "a call", "; nothing was done"));
      };
      const settled = <V>(settle: (value: V) => void) => (value: V) => {
        signal.removeEventListener("abort", leave);
        settle(value);
      };
      const call: Call = { text, isAbortable: true, resolve: settled(resolve), reject: settled(reject) };
      signal.addEventListener("abort", leave);
      this.#gather(call);
    });
  }

  /** Copies bytes for the message that is being gathered; the call that follows names them by their number. */
  readonly attach: Attach = (bytes) => {
    const copy = copyOfBytes(bytes);
    const batch = this.#batch();
    batch.characters += copy.length;
    return batch.attachments.push(copy) - 1;
  };

  /** Sends a request that is a message of its own, after all calls made before it, and hands over the secret or the bytes in it. */
  request(request: Numberless<Request>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#queue.push({ request, resolve, reject });
      this.pump();
    });
  }

  /** Another engine answers from now on: what was begun, and goes on in slices, is begun there again. */
  renew(): void {
    this.#epoch++;
    const calls = [...this.#tasks.values()];
    this.#tasks.clear();
    for (const call of calls) this.#gather(call);
    for (const watch of [...this.watches]) watch.renewed();
  }

  /** Sends what waits, as far as there is room. */
  pump(): void {
    while (this.#queue.length > 0 && !this.#isFull()) {
      const next = this.#queue[0] as Batch | Single;
      const isEmpty = "calls" in next && next.calls.length === 0;
      if ("calls" in next && next.isAbortable && !isEmpty && this.#abortable !== undefined) return;
      this.#queue.shift();
      if (isEmpty) continue;
      const id = ++this.#id;
      if ("calls" in next && next.isAbortable) this.#abortable = id;
      if ("request" in next) {
        this.#requests.set(id, next);
        this.#deliver({ ...next.request, id }, belongings(next.request));
      } else {
        const text = `[${next.calls.map((call) => call.text).join(",")}]`;
        this.#messages.set(id, next.calls);
        if (text.length <= this.#textMax && next.attachments.length === 0) {
          this.#deliver({ kind: "calls", id, message: text }, []);
        } else {
          const message = withAttachments(this.#encoder.encode(text), next.attachments);
          this.#deliver({ kind: "calls", id, message }, [message.buffer]);
        }
      }
    }
  }

  /** Takes a response of the session. */
  receive(response: Response): void {
    if ("fatal" in response) {
      this.fail(FerroliteError.from(response.fatal, "Internal"));
    } else if ("finished" in response) {
      const [task, result] = finishedOf(response.finished);
      take(this.#tasks, task)?.resolve(result);
    } else if ("passed" in response) {
      const { passed } = response;
      passed.forEach((id, at) => at % 2 === 0 && this.watches.forEach((watch) => watch.passed(id, passed[at + 1] as number)));
    } else if ("loaded" in response) {
      this.isLoaded = true;
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
    if (!("id" in response) || response.id !== this.#abortable) return;
    this.#abortable = undefined;
    this.pump();
  }

  /** Rejects everything that waits, and everything still to come. */
  fail(error: FerroliteError): void {
    this.#failure ??= error;
    const queued = this.#queue.flatMap((entry): Waiting<never>[] => ("calls" in entry ? entry.calls : [entry]));
    const calls = [...this.#messages.values()].flat();
    const waiting = [...calls, ...queued, ...this.#tasks.values(), ...this.#requests.values()];
    this.#messages.clear();
    this.#requests.clear();
    this.#tasks.clear();
    this.#queue = [];
    for (const call of waiting) call.reject(error);
  }

  /** Where calls are gathered. It is sent at the end of the turn. */
  #batch(): Batch {
    let last = this.#queue.at(-1);
    if (last === undefined || "request" in last || last.isSealed) {
      last = { calls: [], attachments: [], characters: 0, isSealed: false, isAbortable: false };
      this.#queue.push(last);
    }
    return last;
  }

  #gather(call: Call): void {
    const batch = this.#batch();
    batch.calls.push(call);
    batch.characters += call.text.length;
    if (call.isAbortable === true) batch.isSealed = batch.isAbortable = true;
    if (batch.characters >= MESSAGE_CHARACTERS_MAX) {
      batch.isSealed = true;
      return this.pump();
    }
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.pump();
    });
  }

  /** Takes a call out of the queue. False if it was sent. */
  #withdraw(call: Call): boolean {
    const batch = this.#queue.find((entry): entry is Batch => "calls" in entry && entry.calls.includes(call));
    batch?.calls.splice(batch.calls.indexOf(call), 1);
    return batch !== undefined;
  }

  #deliver(request: Request, transfer: Transferable[]): void {
    try {
      this.#post(request, transfer);
    } catch (thrown) {
      // What cannot be posted: options with functions in them, say.
      this.receive({ id: request.id, error: FerroliteError.from(thrown, "InvalidOptions").report() });
    }
  }

  #settle(calls: Call[], answer: Uint8Array | string): void {
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

/** What a request hands over: the bytes in it, or the secret. */
function belongings(request: Numberless<Request>): Transferable[] {
  if ("bytes" in request) return [request.bytes.buffer];
  return "encryption" in request && request.encryption ? [request.encryption.secret.buffer] : [];
}

function take<V>(map: Map<number, V>, id: number): V | undefined {
  const value = map.get(id);
  map.delete(id);
  return value;
}
