/**
 * What clients and engines of one file say to each other besides requests and responses.
 *
 * ```text
 * client A ─┐ join, requests                                    ┌──────────────────────────┐
 * client B ─┼────────── a port for each ──────────────────────▶ │ engine: the leader's     │
 * client C ─┘ ◀──────── welcome, responses ──────────────────── │ dedicated worker, session│
 *     │                                                         └──────────────────────────┘
 *     └── hello ──▶ BroadcastChannel of the file ◀── leads ─────────────────┘
 * ```
 */
import type { KeyMaterial } from "../arguments/encryption.js";
import type { ErrorReport } from "../error.js";
import type { Response, SessionRequest } from "../protocol/protocol.js";
import type { PlainOptions } from "../arguments/options.js";
import type { StorageFacts } from "../types.js";

/** Grows with every change of what clients and engines say. Different ones refuse each other. */
export const PROTOCOL = 3;

/** What is said to everybody who has the file open. Every one of them, in all versions, has `version`. */
export type Announcement =
  /** Somebody looks for the engine. */
  | { readonly kind: "hello"; readonly version: number }
  /** The engine is there. */
  | { readonly kind: "leads"; readonly version: number; readonly engine: string }
  /** Asks the engine to come to a channel, where no port can be handed over. */
  | { readonly kind: "connect"; readonly version: number; readonly engine: string; readonly channel: string };

/** What a client says first, when the engine has said that it is ready. */
export interface Join {
  readonly kind: "join";
  readonly version: number;
  readonly client: string;
  readonly readOnly: boolean;
  /** Those that it would open the database with, when it joins for the first time. */
  readonly options: PlainOptions | undefined;
  /** True if it can start an engine. */
  readonly canLead: boolean;
  /** True if its page is; `undefined` of a worker. */
  readonly isVisible: boolean | undefined;
  /** Given by a client that has a secret: new for each join. The client that has started the engine has nothing to prove. */
  readonly nonce: string | undefined;
}

/** The engine of an encrypted database proves that it knows the secret, and asks the client for the same (`proof.ts`). */
export interface Challenge {
  readonly kind: "challenge";
  /** The engine's. */
  readonly nonce: string;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly proof: ArrayBuffer;
}

/** The client's answer to a challenge. */
export interface Answer {
  readonly kind: "prove";
  readonly proof: ArrayBuffer;
}

/** The messages that a client left when its page went away. */
export interface Letter {
  /** Under which it is stored. */
  readonly key: string;
  readonly client: string;
  readonly sentMs: number;
  readonly calls: readonly Extract<SessionRequest, { kind: "calls" }>[];
}

/** The addresses of the engine's files. */
export interface EngineFiles {
  readonly script: string;
  /** `undefined` when the wasm is within the script, or was given. */
  readonly wasm: string | undefined;
  readonly rest: string | undefined;
}

/**
 * What a client sends over its port. `repeated`: another engine may have got it before. `answered`: the client has the answers
 * of all requests with smaller numbers. The secret of `changeKey` is sealed where the client had to prove its own.
 */
export type ClientMessage =
  | Join
  | { readonly kind: "visible"; readonly isVisible: boolean | undefined }
  /** Letters that were found. Answered by `delivered`, unless it cannot be done now. */
  | { readonly kind: "letters"; readonly letters: readonly Letter[] }
  | (SessionRequest & { readonly repeated?: boolean; readonly answered?: number });

/** Where commits are answered without a flush: the number of the file's state that an answer depends on. Each engine counts on. */
interface Written {
  readonly written?: number;
}

/** The client has joined. */
export interface Welcome {
  readonly kind: "welcome";
  readonly facts: StorageFacts;
  /** Those of the database. */
  readonly options: PlainOptions;
  /** The state of the file that the engine found. */
  readonly openedAt: number | undefined;
  /** What letters are written and read with: `Connection.letterTerms`. Sealed, as a secret, where the client had to prove its own. */
  readonly letterTerms: Uint8Array<ArrayBuffer>;
  /** Where the engine has come from, if others can start one from there. */
  readonly files: EngineFiles | undefined;
}

/** What the engine sends over a client's port. */
export type EngineMessage =
  | (Response & Written)
  | { readonly kind: "ready" }
  | Challenge
  | Welcome
  /** The letters with these keys were carried out, or come too late for that. */
  | { readonly kind: "delivered"; readonly keys: readonly string[] }
  | { readonly kind: "refused"; readonly error: ErrorReport }
  /** The file is closed, and this client is to lead now. */
  | { readonly kind: "takeOver" }
  /** The database is opened by this from now on. The numbers of an engine's changes grow: an older one that comes again is foreign. */
  | { readonly kind: "rekeyed"; readonly number: number; readonly encryption: KeyMaterial };

/** What the engine's worker tells the client that has started it, beside the responses to the requests that open. */
export type Notice =
  /** Another client has been told to take over. */
  | { readonly kind: "handedOver" }
  /** It ended by a panic; whether this client's own call, or nobody's, was the reason. */
  | { readonly kind: "stopped"; readonly error: ErrorReport; readonly isOwn: boolean };

/**
 * A `MessagePort`; or a `BroadcastChannel` in its place, which copies what it should transfer. Who has started an engine
 * talks to it by its worker, which takes half the time: messages by a `MessagePort` go by way of another thread.
 */
export interface Port {
  postMessage(message: ClientMessage | Answer | EngineMessage, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => unknown) | null;
  /** Not of a worker, which is ended otherwise. */
  close?(): void;
}

// Every script of the origin may post to the channels that tabs share. What is no message is ignored.

type Fields = Readonly<Record<string, unknown>>;

const isObject = (data: unknown): data is Fields => typeof data === "object" && data !== null;

/** The announcement that was heard, of whatever version; `undefined` for anything else. */
export function announcementOf(data: unknown): Announcement | undefined {
  if (!isObject(data) || typeof data.version !== "number") return undefined;
  const { kind, engine, channel } = data;
  const isEngine = typeof engine === "string";
  const isKnown = kind === "hello" || (kind === "leads" && isEngine) || (kind === "connect" && isEngine && typeof channel === "string");
  return isKnown ? (data as unknown as Announcement) : undefined;
}

/** True if this is what a client sends. */
export function isClientMessage(data: unknown): data is ClientMessage {
  if (!isObject(data)) return false;
  const { kind, id, message } = data;
  if (kind === "join") return data.version === PROTOCOL && typeof data.client === "string";
  if (kind === "letters") return Array.isArray(data.letters);
  if (kind === "visible") return true;
  if (typeof id !== "number") return false;
  if (kind === "calls") return typeof message === "string" || message instanceof Uint8Array;
  return kind === "changeKey" ? isObject(data.encryption) : kind === "exportChunk" || kind === "stats" || kind === "close";
}

/** True if this may be what an engine sends. */
export const isEngineMessage = (data: unknown): data is EngineMessage => isObject(data);

/** A name that nothing else has. */
export const randomId = (): string => crypto.randomUUID();

/** Its 16 bytes. */
export function idBytes(id: string): Uint8Array {
  return Uint8Array.from(id.replaceAll("-", "").match(/../g) ?? [], (digits) => parseInt(digits, 16));
}
