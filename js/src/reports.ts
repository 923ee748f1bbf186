import type { IndexInfo } from "./types.js";

/** Sizes and counters of an open database. Sizes are bytes; counters begin when it is opened. */
export interface Stats {
  /** Messages that were answered: calls of one turn share one. */
  readonly messages: number;
  /** The version of the newest commit. */
  readonly version: number;
  readonly indexes: readonly IndexInfo[];
  readonly counters: {
    readonly commits: number;
    /** Groups of commits that shared a write and a flush. */
    readonly groups: number;
    readonly commitBytes: number;
    /** Memtables that were written as tables. */
    readonly flushes: number;
    /** Merges of tables. */
    readonly compactions: number;
    /** Tables that moved to a lower level unread. */
    readonly moves: number;
    readonly tableBytesWritten: number;
    /** Bytes of tables that were moved towards the beginning of the file. */
    readonly bytesMoved: number;
  };
  /** Calls of the host's file. */
  readonly io: {
    readonly reads: number;
    readonly bytesRead: number;
    readonly writes: number;
    readonly bytesWritten: number;
    readonly syncs: number;
  };
  readonly cache: {
    readonly hits: number;
    readonly misses: number;
    readonly bytes: number;
    readonly pages: number;
    readonly capacity: number;
  };
  readonly memtableBytes: number;
  readonly memtableEntries: number;
  /** Levels 0 to 6 of all trees together. */
  readonly levels: readonly {
    readonly tables: number;
    readonly bytes: number;
    readonly entries: number;
    readonly tombstones: number;
  }[];
  /** The file's length. */
  readonly fileBytes: number;
  /** What of it is free. */
  readonly freeBytes: number;
  /** What compaction still has to merge, about. */
  readonly debtBytes: number;
  readonly lastSeq: number;
  /** The newest commit that is known to be on the disk. */
  readonly syncedSeq: number;
  /** Scans that hold a version. */
  readonly snapshots: number;
  /** Why the database has closed itself to writes, if it has. */
  readonly failed: string | null;
}

/** What `check` found. */
export interface CheckReport {
  /** Tables that were looked at. */
  readonly tables: number;
  /** Entries of tables that were read: documents and index entries, old versions included. */
  readonly entries: number;
  /** Documents that were read. */
  readonly documents: number;
  /** Index entries that were compared with their documents. */
  readonly indexEntries: number;
  /** What is wrong, and where; empty when all is well. */
  readonly problems: readonly string[];
}
