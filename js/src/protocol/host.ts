import type { StorageFacts } from "../types.js";

/** An open file, shaped like the browser's `FileSystemSyncAccessHandle`. */
export interface Handle {
  /** Reads into `buffer` from offset `at`; fewer bytes than it holds only at the end of the file. */
  read(buffer: Uint8Array, options: { readonly at: number }): number;
  /** Writes all of `bytes` at offset `at`. */
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  /** Sets the length; bytes added are zero. */
  truncate(length: number): void;
  /** The length in bytes. */
  getSize(): number;
  /** Returns once everything written is on the disk. */
  flush(): void;
  /** Closes the file and gives up its lock. */
  close(): void;
  /** Returns false if the file's name no longer leads to this file. Missing where that cannot be known synchronously. */
  isCurrent?(): boolean;
}

/**
 * What the engine's file system is made of (`src/fs/access_handle.rs`). Errors are told by their name, as the
 * `DOMException`s of browsers, or by their code, as the errors of Node: `ENOENT`, `ENOSPC`, `Locked` and so on.
 */
export interface Host {
  /** True if the host itself keeps others from writing a file that is open here. */
  readonly exclusive: boolean;
  /** Opens a file: `"read"` and `"write"` want it to exist, `"create"` makes it when it does not. */
  open(name: string, mode: "read" | "write" | "create"): Promise<Handle>;
  remove(name: string): Promise<void>;
  /** The files here. Browsers' hosts lack it: in wasm the engine never asks. */
  list?(): Promise<string[]>;
}

/** How a host looks again at what it has told of its storage. */
export type Refreshed = (facts: StorageFacts) => Promise<StorageFacts>;
