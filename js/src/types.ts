/** When a commit is acknowledged. */
export type Durability =
  /** After it was flushed to the disk. */
  | "always"
  /** At once; flushed at the latest so many milliseconds later. A crash of the machine may lose that much. */
  | { readonly periodic: number }
  /** At once; flushed by `flush()` and `close()` alone. */
  | "never";

/** What an encrypted database is encrypted with. */
export type Cipher =
  /** Where the processor has instructions for it the fastest; WebAssembly cannot reach them. */
  | "aes-256-gcm"
  /** Several times faster in WebAssembly. */
  | "chacha20-poly1305";

/** What Argon2id costs (RFC 9106), for whoever knows a passphrase and for whoever tries one. */
export interface Argon2Costs {
  /** Memory in KiB: 8 for each lane to 1,048,576. Default: 32,768. */
  readonly memoryKib?: number | undefined;
  /** Passes over the memory: 1 to 1,000; memory times passes at most 4 GiB. Default: 3. */
  readonly iterations?: number | undefined;
  /** 1 to 16. Default: 1. */
  readonly lanes?: number | undefined;
}

/**
 * How a database is encrypted, or what opens one that is: a key or a passphrase.
 *
 * The bytes are copied at once, and every copy that this package makes is wiped when it is no longer needed. What you
 * gave stays as it is: wipe your own array when you do not need it any more. A string cannot be wiped.
 */
export type Encryption = {
  /** The cipher of a database that is made; one that exists says itself which it has. Default: `"aes-256-gcm"`. */
  readonly cipher?: Cipher | undefined;
  /** What a passphrase costs, in a database that is made and when its key is changed. */
  readonly argon2?: Argon2Costs | undefined;
} & (
  | {
      /** 32 random bytes, as of `crypto.getRandomValues`. */
      readonly key: Uint8Array;
      readonly passphrase?: undefined;
    }
  | {
      /** Text, of which Argon2id makes a key; its UTF-8 is taken as it is. Its strength is all that keeps the data secret. */
      readonly passphrase: string;
      readonly key?: undefined;
    }
);

/**
 * Where the engine comes from, for those places where it is not found by itself: beside the package, which is where bundlers
 * leave it. `docs/packaging.md` tells what which tool needs.
 */
export interface LoadOptions {
  /**
   * The address of `ferrolite_bg.wasm`, of this very version; relative to the page, in Node to the working directory. Whoever
   * opens first says it for a Node process.
   */
  readonly wasmUrl?: string | URL | undefined;
  /** The compiled engine, a `WebAssembly.Module`, in place of its address: shared by all that is opened with it. */
  readonly wasmModule?: object | undefined;
  /**
   * In browsers: a function that makes a `Worker` of this package's `worker.js`. A `Worker` itself will do, too, for one
   * database; it ends with that.
   */
  readonly worker?: WorkerLike | (() => WorkerLike) | undefined;
}

/** What of a `Worker` its type has to have: programs for Node need not know the browser's types. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  terminate(): void;
}

/** How to open a database. */
export interface OpenOptions extends LoadOptions {
  /**
   * Where the data is kept. `"auto"` is the best durable place: in browsers `"opfs"`, and `"indexeddb"` where that does not
   * work; `"file"` in Node, Bun and Deno. A database that exists stays where it is. `"memory"` keeps nothing after `close()`,
   * and is never chosen without being asked for.
   */
  readonly storage?: "auto" | "opfs" | "indexeddb" | "file" | "memory";
  /** True if `"auto"` may keep the data in memory alone where the browser has no durable place. Default: `false`. */
  readonly allowMemory?: boolean;
  /**
   * Bytes that a database in IndexedDB may have at most, which is held in memory while it is open; more is `StorageFull`.
   * Default: 256 MiB.
   */
  readonly memoryLimit?: number;
  /** Default: `"always"`. */
  readonly durability?: Durability;
  /** Bytes of memory for what was read: an eighth for single documents that are read again, the rest for pages. Default: 8 MiB. */
  readonly cacheSize?: number;
  /** Bytes of memory for commits not yet sorted into tables. Default: 4 MiB. */
  readonly memtableSize?: number;
  /**
   * Whether commits note what they change in the database itself, and for how many seconds that is kept, so that watches can
   * go on from a version of before. It costs a small entry for each commit. Default: none.
   */
  readonly changeHistory?: { readonly seconds: number };
  /** Bytes of memory for recent changes while somebody watches: how far a watch may fall behind. Default: 4 MiB. */
  readonly watchBuffer?: number;
  /** How new pages are compressed. Default: `"lz4"`. */
  readonly compression?: "lz4" | "none";
  /** Make the database when it does not exist. Default: `true`; with `false` that is a `NotFound` error. */
  readonly create?: boolean;
  /** Open it for reading alone. Default: `false`. */
  readonly readOnly?: boolean;
  /**
   * Open a damaged database too, by the newest state of it that can be proven whole; only with `readOnly`. What was found
   * is in `stats().damage`. Default: `false`.
   */
  readonly allowDamage?: boolean;
  /** Seconds after which a snapshot, a scan or a transaction that was not ended ends by itself. Default: 3,600. */
  readonly snapshotMaxAge?: number;
  /**
   * Bytes that may be written while a snapshot, a scan or a transaction is held before it ends by itself: about what the
   * file grows by to keep what it sees. Default: 1 GiB.
   */
  readonly snapshotMaxBytes?: number;
  /**
   * Measure how long the verbs take, for `stats().latencies`, by `performance.now()`, which hosts may make coarse.
   * Default: `false`.
   */
  readonly latencies?: boolean;
  /** The key or passphrase of an encrypted database; one that is made is encrypted when it is given. Default: none. */
  readonly encryption?: Encryption | undefined;
  /**
   * Milliseconds to wait for another process that has the file open, in Node, Bun and Deno; then the error is `Locked`. A lock
   * that a dead process left behind is taken over at once. In browsers tabs share the file, and this option has no effect.
   * Default: 0.
   */
  readonly lockTimeout?: number;
  /** Breaks the opening off: it is `Aborted` at once, and what is opened all the same is closed again. */
  readonly signal?: AbortSignal | undefined;
}

/** How a database is salvaged, and how it is watched. */
export interface SalvageOptions extends LoadOptions {
  /** What opens the damaged database, if it is encrypted. The new one is encrypted with it, too. */
  readonly encryption?: Encryption | undefined;
  /** Breaks it off: what was written is removed, and the error is `Aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Is told now and then how much is done, from 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** How an export is watched and broken off. */
export interface ExportOptions {
  /** Breaks it off: the stream fails with `Aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Is told how many bytes are done; and how many there are in all, where that is known. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number | undefined) => void) | undefined;
}

/** How an import is watched and broken off, and how the database is opened when it is there. */
export interface ImportOptions extends OpenOptions, ExportOptions {}

/** Where the bytes of a database come from. */
export type ImportSource =
  | Blob
  | Response
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | ArrayBuffer
  | ArrayBufferView;

/** The truth about where the data is. */
export interface StorageFacts {
  /** The kind of place. */
  readonly kind: "opfs" | "indexeddb" | "file" | "memory";
  /** True if the host promises to keep the data until it is deleted. */
  readonly persistent: boolean;
  /** The file: a path in Node, the path below the origin's private root in OPFS, the name of a database in IndexedDB. */
  readonly path: string | undefined;
  /** Why it is there, and what that means, in a sentence. */
  readonly reason: string;
  /** Bytes that the browser lets the whole site keep, about; where it tells. */
  readonly quota?: number;
  /** Bytes that the whole site keeps, about; where the browser tells. */
  readonly usage?: number;
}

/** A range of keys, which are ordered by their UTF-8 bytes. Bounds that are left out are open; one that is `undefined` is an error. */
export interface Range {
  /** Keys after this one. */
  readonly gt?: string;
  /** Keys from this one on. */
  readonly gte?: string;
  /** Keys before this one. */
  readonly lt?: string;
  /** Keys up to and with this one. */
  readonly lte?: string;
  /** Keys that begin so. */
  readonly prefix?: string;
  /** At most so many. */
  readonly limit?: number | undefined;
  /** Backwards, from the last key. */
  readonly reverse?: boolean | undefined;
}

/** An end of a list: where its first or where its last element is. */
export type End = "left" | "right";

/** What an indexed value may be compared with. */
export type Scalar = string | number | boolean | null;

/** Bounds on an indexed value; all of one JSON type, and none `undefined`. */
export interface Bounds<V extends Scalar = Scalar> {
  readonly gt?: V;
  readonly gte?: V;
  readonly lt?: V;
  readonly lte?: V;
}

/** What `find` looks for: a value, or bounds on it. */
export type Condition = Scalar | Bounds<string> | Bounds<number> | Bounds<boolean>;

/** How `find` gives its keys. */
export interface FindOptions extends SignalOptions {
  /** In descending order. */
  readonly reverse?: boolean | undefined;
  /** At most so many. */
  readonly limit?: number | undefined;
  /** Leaves out so many first. */
  readonly offset?: number | undefined;
  /** Goes on behind the page that `findPage` returned with this cursor. */
  readonly after?: string | undefined;
}

/** How long a document is stored. */
export interface TtlOptions {
  /** Seconds until the document expires; fractions count. Without it the document stays. */
  readonly ttl?: number | undefined;
}

/** How what takes long is aborted. */
export interface SignalOptions {
  /**
   * Aborts it: a call that waits leaves the queue, what it holds is released, and the error has the code `Aborted`, the name
   * `AbortError` and the signal's reason as its cause. A write that the engine has begun is not undone, and ends as it would.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How a document is stored, and under which conditions. One that does not hold is a `Conflict`. */
export interface SetOptions extends TtlOptions {
  /** Keep the time to live that the key had; not together with `ttl`. */
  readonly keepTtl?: boolean | undefined;
  /** Only if the document has this version; 0 stands for no document. */
  readonly ifVersion?: number | undefined;
  /** Only if there is no document. */
  readonly ifAbsent?: boolean | undefined;
}

/** An operation of a JSON Patch (RFC 6902). A path is a JSON Pointer (RFC 6901), as `/tags/0`. */
export type PatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly from: string; readonly path: string };

/** A document with what is known of it. */
export interface VersionedDocument<T> {
  readonly key: string;
  readonly document: T;
  /** The number of the commit that wrote it, for `ifVersion`; 0 for what a transaction has written itself. */
  readonly version: number;
  /** When it expires; `undefined` when it does not. */
  readonly expiresAt: Date | undefined;
}

/** What Zod, Valibot, ArkType and others make: it takes an `Input`, and gives an `Output` or says what is wrong. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | PromiseLike<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator answers. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a document, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A source of bytes, which is read a piece at a time. */
export type ByteSource = ReadableStream<Uint8Array> | Blob | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** How a collection is used. */
export interface CollectionOptions<I, D> {
  /** What has to let a document pass before it is written: a validator that implements Standard Schema. */
  readonly validate: StandardSchema<I, D>;
}

/** How a transaction is run, and broken off. */
export interface TransactionOptions extends SignalOptions {
  /** How often it is run again when it conflicts with other commits, at most. Default: 10. */
  readonly retries?: number | undefined;
}

/** Which keys are watched: one, or a range of them. Without a field it is all. */
export type WatchSelector = { readonly key: string } | (Omit<Range, "limit" | "reverse"> & { readonly key?: never });

/** How keys are watched. */
export interface WatchOptions {
  /**
   * Begins behind this version: the changes of later commits come first. They must still be kept, by another watch or by
   * `changeHistory`; else it is `ChangesLost`. Default: from now on.
   */
  readonly since?: number | undefined;
  /** True if changes come with their documents. Default: `true`. */
  readonly values?: boolean | undefined;
  /** Ends the watch; who waits for it gets the error `Aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** A change of a document, as a watch tells it. */
export interface Change<T = unknown> {
  /**
   * `set` and `delete` as they say; `expire` when its time was over; `drop` when its whole collection was dropped, with
   * all of its documents, which are not told one by one.
   */
  readonly kind: "set" | "delete" | "expire" | "drop";
  /** The document's key; empty with `drop`. */
  readonly key: string;
  /** The collection; left out for the default one. */
  readonly collection?: string;
  /** The number of the commit; all its changes have the same. Of an expiry, that of the last commit before it. */
  readonly version: number;
  /** The version of the document that was there before; 0 for none. */
  readonly oldVersion: number;
  /** When the new document expires, in milliseconds since 1970. */
  readonly expiresAt?: number;
  /** The new document. It is left out when it has been overwritten, deleted or has expired since; a later change says so. */
  readonly value?: T;
}

/** How `watchQuery` is ended. */
export interface WatchQueryOptions {
  /** Ends the watch; who waits for it gets the error `Aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** A document that a query found. */
export interface Row<T = unknown> {
  readonly key: string;
  /** The document, or what was selected of it. Bytes if the query does not look into documents, and the document is bytes. */
  readonly value: T;
  readonly version: number;
}

/** What has become of the rows that are found. */
export interface RowChanges<T = unknown> {
  /** The commit after which they are so. */
  readonly version: number;
  /** Rows that were not found before, in order; the first time all of them. */
  readonly added: Row<T>[];
  /** Rows that were written in the meantime. */
  readonly changed: Row<T>[];
  /** The keys of rows that are not found any more. */
  readonly removed: string[];
}

/** An index. */
export interface IndexInfo {
  /** The path that was given to `createIndex`. Of several, all of them, joined by `, `. */
  readonly path: string;
  /** The paths, when there are several. */
  readonly paths?: string[];
  /** No two documents may have equal values. */
  readonly unique?: true;
  /** Each element of an array has an entry. */
  readonly multi?: true;
  /** True if it is complete: an index that is still being built is not yet used. */
  readonly ready: boolean;
}

/** How much `check` looks at. */
export interface CheckOptions extends SignalOptions {
  /** Read and verify every page, not the structure alone. */
  readonly full?: boolean | undefined;
}
