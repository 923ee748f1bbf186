/**
 * Locks for runtimes that have none: a file beside the database, created exclusively, that says who holds it.
 *
 * A holder that died leaves its lock behind, and it is taken over. Two takers must not both succeed, and neither may
 * remove a lock that somebody new has taken in the meantime. So each lock has a random mark, and whoever wants to
 * remove the lock marked M must first hold a lock named after M, and then find M still there. That lock is one like any
 * other: should its holder die too, it is taken over in the same way.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";

/** A lock that is held. */
export interface Lock {
  release(): void;
}

/** What a lock file says, as JSON. */
interface Holder {
  readonly pid: number;
  readonly thread: number;
  readonly host: string;
  /** When the process was started, and in which boot of the machine; empty where that cannot be known. */
  readonly started: string;
  /** Random, and so different for each lock ever taken. */
  readonly mark: string;
}

const SUFFIX = ".lock";
/** Takers of locks of takers: more than one would be a rare accident. */
const DEPTH_MAX = 3;
const ATTEMPTS_MAX = 20;
/** A lock without content was made by a process that died before it wrote it, or that is about to. */
const UNWRITTEN_MS_MAX = 10_000;
const UNKNOWN_PID = 0;

/** Where all copies of this package in one thread find the locks that it holds. */
const REGISTRY = Symbol.for("ferrolite.locks");

/** Takes the lock of a file, or throws an error with the code `Locked`. */
export function lock(file: string): Lock {
  const path = file + SUFFIX;
  const mark = take(path, 0);
  const held = registry();
  held.set(path, mark);
  return {
    release() {
      if (held.get(path) !== mark) return;
      held.delete(path);
      removeOwn(path, mark);
    },
  };
}

function take(path: string, depth: number): string {
  const mark = randomBytes(8).toString("hex");
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (create(path, mark)) return mark;
    const holder = read(path);
    if (holder === undefined) continue;
    if (depth === DEPTH_MAX || lives(holder, path)) throw locked(path, holder);
    const guard = `${path}.${holder.mark}`;
    const guardMark = take(guard, depth + 1);
    try {
      if (read(path)?.mark === holder.mark) fs.unlinkSync(path);
    } finally {
      removeOwn(guard, guardMark);
    }
  }
  throw locked(path, read(path));
}

function create(path: string, mark: string): boolean {
  const holder: Holder = { pid: process.pid, thread: threadId, host: hostname(), started: started(process.pid) ?? "", mark };
  let file: number;
  try {
    file = fs.openSync(path, "wx");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw thrown;
  }
  try {
    fs.writeFileSync(file, JSON.stringify(holder));
    return true;
  } catch (thrown) {
    fs.unlinkSync(path);
    throw thrown;
  } finally {
    fs.closeSync(file);
  }
}

/** Who holds a lock; `undefined` when it is not there any more. */
function read(path: string): Holder | undefined {
  try {
    const modifiedMs = fs.statSync(path).mtimeMs;
    try {
      const holder = JSON.parse(fs.readFileSync(path, "utf8")) as Holder;
      if (typeof holder.pid === "number" && typeof holder.mark === "string") return holder;
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
    const started = Date.now() - modifiedMs < UNWRITTEN_MS_MAX ? "now" : "";
    return { pid: UNKNOWN_PID, thread: 0, host: hostname(), started, mark: `unwritten-${Math.trunc(modifiedMs)}` };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Whether the holder of a lock is still there. When that cannot be known, it is. */
function lives(holder: Holder, path: string): boolean {
  if (holder.host !== hostname()) return true;
  if (holder.pid === UNKNOWN_PID) return holder.started === "now";
  const now = started(holder.pid);
  if (holder.started !== "" && now !== undefined && now !== holder.started) return false;
  if (holder.pid === process.pid) return holder.thread !== threadId || registry().get(path) === holder.mark;
  try {
    process.kill(holder.pid, 0);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== "ESRCH";
  }
  return now !== "";
}

/**
 * When a process was started: two processes with the same number differ in it. `undefined` where the system does not
 * tell, empty for a process that has ended and waits to be collected.
 */
function started(pid: number): string | undefined {
  try {
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command, in parentheses, may hold anything; the state follows it, and the start time 19 fields later.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "" : `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function removeOwn(path: string, mark: string): void {
  if (read(path)?.mark === mark) fs.unlinkSync(path);
}

/** The locks that this thread holds, mark by path. What is left of them at the end of the process is removed. */
function registry(): Map<string, string> {
  const global = process as unknown as Record<symbol, Map<string, string> | undefined>;
  const known = global[REGISTRY];
  if (known !== undefined) return known;
  const locks = new Map<string, string>();
  process.on("exit", () => {
    for (const [path, mark] of locks) {
      try {
        removeOwn(path, mark);
      } catch {
        // A lock that stays is found to be stale.
      }
    }
  });
  global[REGISTRY] = locks;
  return locks;
}

function locked(path: string, holder: Holder | undefined): Error {
  const who = holder === undefined || holder.pid === UNKNOWN_PID ? "another process" : `process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`;
  const message = `the database is open in ${who}; close it there first (its lock is ${path})`;
  return Object.assign(new Error(message), { code: "Locked" });
}
