/** The part of the wasm-bindgen module that this package uses; `src/bindings/connection.rs` is where it comes from. */
import type { Host } from "./host.js";

/** Loads the engine once; later calls return at once. */
export default function init(options: {
  module_or_path: WebAssembly.Module | Response | Promise<Response> | BufferSource;
}): Promise<WebAssembly.Exports>;

/** An open database. What these methods throw is `{ code, message, cause? }`. */
export class Connection {
  private constructor();
  /** Opens `name` on `host`; without a host, in memory. The secret is copied before this returns its promise. */
  static open(
    host: Host | undefined,
    name: string,
    options: unknown,
    terms: object | undefined,
    secret: Uint8Array | undefined,
  ): Promise<Connection>;
  /** Throws unless this opens the database; without terms, unless nothing is needed. */
  opens(terms: object | undefined, secret: Uint8Array | undefined): void;
  /**
   * What the letters of pages that go away are written and read with: the file's id (16 bytes), the time up to which receipts
   * may have been dropped (u64, milliseconds), and in an encrypted file a key for letters (32 bytes).
   */
  letterTerms(): Uint8Array<ArrayBuffer>;
  /** Another client, by an id of 16 bytes, or by none in the engine's thread; its number. Client 0 is there from the beginning. */
  join(id: Uint8Array, readOnly: boolean): number;
  /** A client is gone: lets go of all that it holds. */
  leave(client: number): void;
  /**
   * Runs a message of calls; the answer is an `ArrayBuffer` of its own that can be transferred. `number` is that of the
   * client's message: the writes of one that is repeated are not done twice, also by another engine. The client has the
   * answers of all messages before `answered`, and repeats none of them.
   */
  execute(
    client: number,
    number: number,
    isRepeated: boolean,
    answered: number,
    message: Uint8Array,
  ): Uint8Array<ArrayBuffer>;
  /** The same by text; an answer that is longer than `textMax`, or has attachments, is bytes. */
  ask(
    client: number,
    number: number,
    isRepeated: boolean,
    answered: number,
    message: string,
    textMax: number,
  ): string | Uint8Array<ArrayBuffer>;
  /** True if calls that were answered as pending wait for their next slice. */
  hasTasks(): boolean;
  /** Does one slice of one task; its client, and `[task, result]` as JSON bytes, when that was its last one. */
  step(): [client: number, finished: Uint8Array<ArrayBuffer>] | undefined;
  /** Does a slice of maintenance that handles about so many bytes; whether there is more to do. */
  maintain(budgetBytes: number): boolean;
  /** Keeps what watches need to go on at another engine; `isSuccessor`: some may come from one before. */
  keepChanges(isSuccessor: boolean): void;
  /** Of the watches of a client that wait: number, and up to which version all was told; those that have changed. */
  watchesPassed(client: number): Float64Array;
  /** Milliseconds until `sync` has something to flush; `undefined` when there is nothing. */
  nextSync(): number | undefined;
  /** Flushes what periodic durability has put off, if its time has come. */
  sync(): void;
  /** The next bytes of an export, in a buffer of their own; `undefined` behind the last ones. */
  exportChunk(client: number, number: number): Uint8Array<ArrayBuffer> | undefined;
  /** Replaces the secret that opens the database, for a client. Throws if the client joined for reading. */
  changeKey(client: number, terms: object, secret: Uint8Array): void;
  stats(): unknown;
  /** Puts all commits on the disk and closes the file. Later calls are answered with `Closed`. */
  close(): void;
}

/** An import under way. What these methods throw is as with `Connection`. After `finish` or `giveUp` it is gone. */
export class Importing {
  private constructor();
  /** Creates `name` on `host`; without a host, in memory. The options are those with which it is opened in the end. */
  static begin(
    host: Host | undefined,
    name: string,
    options: unknown,
    terms: object | undefined,
    secret: Uint8Array | undefined,
  ): Promise<Importing>;
  /** Takes the bytes that come next. */
  write(bytes: Uint8Array): void;
  /** Makes a database of what has come, and opens it. When that fails nothing is left of it. */
  finish(): Promise<Connection>;
  /** Removes what was written. */
  giveUp(): Promise<void>;
}

/** A salvage under way. What these methods throw is as with `Connection`. */
export class Salvaging {
  private constructor();
  /** Opens `name`, and creates `out`, both with this secret. */
  static begin(
    host: Host,
    name: string,
    out: string,
    options: unknown,
    terms: object | undefined,
    secret: Uint8Array | undefined,
  ): Promise<Salvaging>;
  /** Does a slice of about so many bytes; whether it was the last one. */
  step(budgetBytes: number): boolean;
  /** How much is done, from 0 to 1. */
  progress(): number;
  report(): unknown;
  /** Closes both files. */
  free(): void;
}
