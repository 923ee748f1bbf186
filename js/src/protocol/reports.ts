import type { Cipher, IndexInfo } from "../types.js";

/** Sizes and counters of an open database. Sizes are bytes; counters begin when it is opened. */
export interface Stats {
  /** Messages that were answered: calls of one turn share one. */
  readonly messages: number;
  /** The version of the newest commit. */
  readonly version: number;
  readonly indexes: readonly IndexInfo[];
  /** What the tables hold, by what it is for. What is not in tables yet is in `memtableBytes`. */
  readonly spaces: readonly {
    readonly kind: "catalog" | "changes" | "receipts" | "documents" | "parts" | "index" | "dropped";
    /** The collection's name; that of the default one is empty. */
    readonly collection: string;
    /** The path of an index; else `null`. */
    readonly path: string | null;
    readonly tables: number;
    readonly bytes: number;
    /** Documents or index entries: all versions of them, and deletions. */
    readonly entries: number;
    readonly tombstones: number;
    /** Entries that expire, or have expired and are not gone yet. */
    readonly expiring: number;
  }[];
  /**
   * Large values that a program has begun to write and not finished, because it was killed. The maintenance of the next
   * connection that writes removes them.
   */
  readonly unfinishedUploads: number;
  /** How long each verb took that was called, with the option `latencies`; else `null`. */
  readonly latencies: readonly Latency[] | null;
  /** What was found damaged when it was opened with `allowDamage`, and where. */
  readonly damage: readonly string[];
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
    /** Tables that were dropped unread: all in them had expired or was deleted. */
    readonly tablesDropped: number;
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
  /** The cache of pages. */
  readonly cache: CacheStats;
  /** The cache of documents and index entries that are read again and again. */
  readonly rowCache: CacheStats;
  readonly memtableBytes: number;
  /** Bytes of the file that the log takes. */
  readonly logBytes: number;
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
  /** How the file is encrypted; `null` when it is not. */
  readonly encryption: {
    readonly cipher: Cipher;
    /** What a passphrase costs; `null` when the database is opened by a key. */
    readonly argon2: { readonly memoryKib: number; readonly iterations: number; readonly lanes: number } | null;
    /** The epoch in which new pages are sealed. */
    readonly keyEpoch: number;
    /** Bytes of tables that are sealed with an older data key than the newest. */
    readonly oldKeyBytes: number;
    /** True if there is an older data key: a rotation is under way, or was cut short. */
    readonly isRotating: boolean;
  } | null;
  /** Why the database has closed itself to writes, if it has. */
  readonly failed: string | null;
}

/** How a cache is doing. */
export interface CacheStats {
  /** Reads that found what they looked for, and those that did not. */
  readonly hits: number;
  readonly misses: number;
  readonly bytes: number;
  readonly entries: number;
  /** The most bytes it may hold. */
  readonly capacity: number;
}

/** How long the calls of one verb took inside of the engine, in microseconds. Quantiles are precise to 3%. */
export interface Latency {
  /**
   * The verb; `"scanPage"` is a page of a scan. Writes that are made together share `"group"`, which writes and flushes
   * them. Of `"compact"`, `"createIndex"`, `"rotateKey"` and `"maintain"` each slice counts.
   */
  readonly verb: string;
  readonly count: number;
  /** All of them together. */
  readonly total: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What `check` found. */
export interface CheckReport {
  /** Tables that were looked at. */
  readonly tables: number;
  /** Entries of tables that were read: documents and index entries, old versions included. */
  readonly entries: number;
  /** Documents that were read. */
  readonly documents: number;
  /** Parts of large documents and elements of lists. */
  readonly parts: number;
  /** Index entries that were compared with their documents. */
  readonly indexEntries: number;
  /** What is wrong, and where; empty when all is well. */
  readonly problems: readonly string[];
  /** What costs nothing but is not as it should be: a spare copy that is damaged, or that a crash cut short. */
  readonly notes: readonly string[];
}

/** A part of a damaged database that could not be read. */
export interface LostPart {
  /** What it is. */
  readonly what: string;
  /** Where it begins in the file, bytes. */
  readonly offset: number;
  /** Bytes of it that could not be read. */
  readonly bytes: number;
  /** The id of the table that it belongs to. */
  readonly table?: number;
  /** Documents that are lost with it have keys from this one, where that is known, ... */
  readonly from?: string;
  /** ... up to this one. */
  readonly to?: string;
  /** True if documents may be lost with it. */
  readonly hasDocuments: boolean;
}

/** What a salvage has recovered, and what is lost. */
export interface SalvageReport {
  /** Documents in the new database. */
  readonly documents: number;
  /** Those among them of which a newer version, or the deletion, may be lost. */
  readonly uncertain: number;
  /** Documents that were left out because they have expired. */
  readonly expired: number;
  /** Values that were left out because they are no documents. */
  readonly unreadable: number;
  /** The paths of the indexes that were built again. */
  readonly indexes: readonly string[];
  /** Commits that were on the disk and are lost. */
  readonly commitsLost: number;
  /** Entries of tables that are lost, as far as they could be counted. */
  readonly entriesLost: number;
  /** Bytes that could not be read. */
  readonly bytesLost: number;
  /** True if the whole file had to be searched: deleted documents and older versions may be back. */
  readonly scanned: boolean;
  /** True if everything that was committed is there as it was. */
  readonly complete: boolean;
  /** The parts that could not be read, the first thousand of them. */
  readonly lost: readonly LostPart[];
  /** Parts that are not in the list. */
  readonly moreLost: number;
}
