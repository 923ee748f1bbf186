import { brand, kindOf } from "./brand.js";

/**
 * What kind of thing went wrong. The codes are stable, and the same in Rust and on the command line.
 *
 * | code | when |
 * | --- | --- |
 * | `InvalidKey` | a key that is not a non-empty, well-formed string of at most 4,096 bytes of UTF-8 |
 * | `InvalidValue` | a document that JSON cannot carry unchanged; the message names the place |
 * | `InvalidCollection` | the name of a collection that is not a well-formed string of 1 to 255 bytes of UTF-8 |
 * | `InvalidPath`, `InvalidCondition`, `InvalidRange`, `InvalidOptions`, `InvalidTransaction` | an argument of that kind |
 * | `InvalidPatch` | a JSON Patch or a merge patch that is none |
 * | `TooLarge` | a document, a transaction or a result beyond its limit |
 * | `NotFound` | no such database, or its directory is missing |
 * | `Locked` | another process or thread has the database open; of deleting and the like, also a tab or this thread |
 * | `ReadOnly` | the database was opened for reading, or the host refuses writes |
 * | `StorageFull` | the disk or the browser's quota is used up; nothing of the call was kept |
 * | `Evicted` | the browser or its user has cleared the data of this site, and the database with it; told once, and in browsers alone |
 * | `TooManyOpen` | the browser has no address space for another engine: close databases that are not needed; in browsers alone |
 * | `NotADatabase`, `NewerFormat`, `Corrupt` | what the file turned out to be |
 * | `KeyRequired`, `WrongKey` | the database is encrypted, and no key was given, or one that is not its own |
 * | `NotEncrypted` | a key was given, or is to be changed, and the database is not encrypted |
 * | `KeySlotDamaged` | the places where an encrypted database keeps its keys are damaged; no key opens it |
 * | `Closed` | the database was closed |
 * | `Failed` | it closed itself to writes: a flush failed, its file was removed or replaced, or commits that were not flushed are lost; reopen it |
 * | `Unsupported` | this host cannot do it |
 * | `Io` | anything else that the host reports |
 * | `IndexNotFound`, `Aborted` | of indexes, of work that was broken off |
 * | `UniqueViolation` | another document has the value that a unique index allows once |
 * | `Conflict` | a condition of a write does not hold: of `set`, of a patch, or that nothing a transaction read has changed |
 * | `SnapshotTooOld` | a snapshot, a scan or a transaction is older than what is kept of the past |
 * | `ChangesLost` | a watch is to tell changes that are not kept any more: read again, and watch from now on |
 * | `Internal` | a bug in Ferrolite |
 */
export type ErrorCode =
  | "InvalidKey"
  | "InvalidValue"
  | "InvalidCollection"
  | "InvalidPath"
  | "InvalidCondition"
  | "InvalidRange"
  | "InvalidOptions"
  | "InvalidTransaction"
  | "InvalidPatch"
  | "TooLarge"
  | "NotFound"
  | "Locked"
  | "ReadOnly"
  | "StorageFull"
  | "Evicted"
  | "TooManyOpen"
  | "NotADatabase"
  | "NewerFormat"
  | "Corrupt"
  | "KeyRequired"
  | "NotEncrypted"
  | "WrongKey"
  | "KeySlotDamaged"
  | "Closed"
  | "Failed"
  | "Unsupported"
  | "Io"
  | "IndexNotFound"
  | "UniqueViolation"
  | "Conflict"
  | "SnapshotTooOld"
  | "ChangesLost"
  | "Aborted"
  | "Internal";

/** An error as it crosses the wasm and worker boundaries. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly cause?: unknown;
}

/** The one error class of this package: look at `code`, show `message`. */
export class FerroliteError extends Error {
  /** What kind of thing went wrong; stable. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }

  static {
    this.prototype.name = "FerroliteError";
    brand(this, "FerroliteError");
  }

  /** @internal The error that was thrown or reported, or one that tells of it with `fallback` as its code. */
  static from(thrown: unknown, fallback: ErrorCode, context?: string): FerroliteError {
    if (thrown instanceof FerroliteError) return thrown;
    const report = thrown as Partial<ErrorReport> | null | undefined;
    const message = typeof report?.message === "string" ? report.message : String(thrown);
    if (isReport(thrown)) return new FerroliteError(thrown.code, message, { cause: thrown.cause });
    return new FerroliteError(fallback, context === undefined ? message : `${context}: ${message}`, { cause: thrown });
  }

  /** @internal What of this error can be posted to another thread. */
  report(): ErrorReport {
    const cause = this.cause === undefined ? undefined : String((this.cause as Partial<Error>)?.message ?? this.cause);
    return { code: this.code, message: this.message, ...(cause === undefined ? {} : { cause }) };
  }
}

/** @internal Whether `thrown` is a report of the engine, not an exception of the host that happens to have a code. */
export function isReport(thrown: unknown): thrown is ErrorReport {
  return (
    typeof thrown === "object" &&
    thrown !== null &&
    // An error of another realm is one, too: what Node's own modules throw within Jest.
    kindOf(thrown) === "Object" &&
    typeof (thrown as ErrorReport).code === "string" &&
    typeof (thrown as ErrorReport).message === "string"
  );
}

/** @internal A script of the package that is imported when it is needed. One that does not come is an error of this package. */
export async function needed<M>(script: Promise<M>): Promise<M> {
  try {
    return await script;
  } catch (thrown) {
    const code = typeof Worker === "undefined" ? "Unsupported" : "Io";
    throw FerroliteError.from(thrown, code, 'a script of the package could not be loaded (service workers import "ferrolite/service-worker")');
  }
}
