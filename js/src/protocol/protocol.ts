/**
 * The messages between `Database` and the `Session` that drives the engine: across a worker's port in browsers, by
 * plain calls in process elsewhere. Documents travel as JSON text within `message` and `answer`: short ones as they are, which
 * costs least; long ones in UTF-8, and those that are bytes behind it, so that buffers are handed over and not copied. What is
 * around them are plain objects. The secret of an encrypted database is a
 * buffer of its own, too, which the receiver wipes.
 */
import type { KeyMaterial } from "../arguments/encryption.js";
import type { ErrorReport } from "../error.js";
import type { PlainOptions } from "../arguments/options.js";

export type Request =
  /** Before the first message: where the engine is. Not answered. */
  | {
      readonly kind: "engine";
      readonly id: number;
      readonly wasm: string | WebAssembly.Module;
      readonly rest?: WebAssembly.Module | undefined;
    }
  /** The first message: opens the database. Answered by `value: StorageFacts`. */
  | {
      readonly kind: "open";
      readonly id: number;
      readonly name: string;
      readonly options: PlainOptions;
      /** Where the database should be; when it is nowhere the answer is `Evicted`. */
      readonly expected?: DurableKind | undefined;
      readonly encryption?: KeyMaterial | undefined;
      /** How other clients find it. Without, it is for one client, and the requests that follow come the same way. */
      readonly sharing?: Sharing | undefined;
    }
  /** To an engine that others may find: its port to the broker, if there is one. Not answered. */
  | { readonly kind: "broker"; readonly id: number; readonly port: MessagePort | undefined }
  /** The first message, in place of `open`: salvages a database into another. Answered by `value: SalvageReport`. */
  | {
      readonly kind: "salvage";
      readonly id: number;
      readonly name: string;
      readonly out: string;
      readonly encryption?: KeyMaterial | undefined;
    }
  /** The first message, in place of `open`: makes a database of the bytes that follow. Answered by `value: undefined`. */
  | {
      readonly kind: "import";
      readonly id: number;
      readonly name: string;
      readonly options: PlainOptions;
      readonly encryption?: KeyMaterial | undefined;
    }
  /** The next bytes of an import. Answered by `value: undefined`. */
  | { readonly kind: "importChunk"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** All bytes of an import are there: it is opened, as by `open`. Answered by `value: StorageFacts`. */
  | { readonly kind: "importEnd"; readonly id: number; readonly sharing?: Sharing | undefined }
  /** Breaks a salvage off, which is then answered by an error; or an import. */
  | { readonly kind: "abort"; readonly id: number }
  /** A JSON array of calls `[verb, ...arguments]`; as text, or as bytes with attachments. Answered by `answer`. */
  | { readonly kind: "calls"; readonly id: number; readonly message: Uint8Array<ArrayBuffer> | string }
  /** Asks for the next bytes of an export. Answered by `value`, a `Uint8Array`, or `undefined` behind the last ones. */
  | { readonly kind: "exportChunk"; readonly id: number; readonly number: number }
  /** Lets this secret open the database from now on. Answered by `value: undefined`. */
  | { readonly kind: "changeKey"; readonly id: number; readonly encryption: KeyMaterial }
  /** Answered by `value: Stats`. */
  | { readonly kind: "stats"; readonly id: number }
  /** The last message. Answered when everything is on disk and the file is closed. */
  | { readonly kind: "close"; readonly id: number };

/** What is asked of a database that is open. */
export type SessionRequest = Extract<Request, { kind: "calls" | "exportChunk" | "changeKey" | "stats" | "close" }>;

/** The places that keep data in a browser. */
export type DurableKind = "opfs" | "indexeddb";

/** Where clients find an engine, and who has started it. */
export interface Sharing {
  readonly file: string;
  /** The name of this engine, new for each. */
  readonly engine: string;
  /** The client that starts it. */
  readonly client: string;
  /** True if clients may come from another engine. */
  readonly isSuccessor: boolean;
}

export type Response =
  /** The JSON array of results, one for each call and in their order; it may be text where the message was. */
  | { readonly id: number; readonly answer: Uint8Array | string }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: ErrorReport }
  /** `[task, result]` as JSON: the result of a call that was first answered as pending. */
  | { readonly finished: Uint8Array }
  /** Watches have told all up to a version: number, version, and so on. */
  | { readonly passed: Float64Array }
  /** The worker's script and its engine are loaded. */
  | { readonly loaded: true }
  /** How much of a salvage is done, from 0 to 1. */
  | { readonly progress: number }
  /** The engine is gone. Nothing else will be answered. */
  | { readonly fatal: ErrorReport };

/** The result of one call. */
export type Result =
  /** With bytes in the value: each place is a path into it, and the number of the attachment that belongs there. */
  | readonly [kind: typeof OK, value?: unknown, places?: readonly (string | number)[][]]
  | readonly [kind: typeof BYTES, attachment: number]
  | readonly [kind: typeof ERROR, error: ErrorReport]
  | readonly [kind: typeof PENDING, task: number];

/** Between threads: what is longer goes as bytes, which are handed over, and decoded by the receiver. */
export const TEXT_MAX = 32 << 10;

export const OK = 0;
export const ERROR = 1;
/** The work goes on in slices; its result comes under the task's number. */
export const PENDING = 2;
/** The value is bytes: the answer's attachment of this number. */
export const BYTES = 3;
