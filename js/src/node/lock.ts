/**
 * Locks for runtimes that have none: a file beside the database, created exclusively, that names its holder.
 *
 * A holder that died leaves its lock behind, and the next opener takes the lock over. Never is a lock taken from a holder that
 * may be alive. The evidence, strongest first:
 *
 * 1. A witness (`witness.ts`): a socket of the holder. The kernel answers for it, also across containers, and also while
 *    the holder is suspended.
 * 2. Process number and start time, if the holder runs on the same kernel and in the same process namespace.
 * 3. Another boot of the kernel, if the file system is one that a single kernel mounts.
 * 4. A heartbeat, where nothing else decides (network file systems, systems without /proc). The holder touches its lock every
 *    two seconds, and writes nothing once its lease ended. The next opener watches the lock for much longer than a lease.
 *
 * Two takers must not both succeed, and neither may remove a lock that somebody took in the meantime. So each lock has a random
 * mark. A taker that wants to remove the lock marked M first holds a lock named after M, and then finds M still there. A holder
 * whose lease ended holds that second lock, too, before it renews its lease.
 */
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";

import { BEAT_MS, Lease, TAKEOVER_MS } from "./lease.js";
import { hasEnded, here, isLocal, isSameKernel, type Place } from "./place.js";
import { ask, forgetWitness, openWitness, type Witness } from "./witness.js";
import { Date, performance, setTimeout } from "../protocol/timers.js";

/** A lock that is held. */
export interface Lock {
  /** Throws `Locked` unless nobody can have taken the lock over. To be called before each write, and after each flush. */
  confirm(): void;
  release(): void;
}

/** Content of a lock file, as JSON. Locks of version 0.1.0 have no `boot`, and nothing after it. */
interface Holder extends Omit<Place, "boot" | "space">, Partial<Pick<Place, "boot" | "space">> {
  /** Random, and so different for each lock ever taken. */
  readonly mark: string;
  /** Name of the witness. */
  readonly witness?: string | undefined;
  /** True if the holder touches the lock as long as it lives. */
  readonly beats?: boolean;
  /** Time of the last touch, by the clock of the file system. */
  readonly touchedMs?: number;
}

/** Verdict on a holder. */
type Verdict = "lives" | "dead" | "unknown";

const SUFFIX = ".lock";
const ATTEMPTS_MAX = 20;
/** A lock without content was made by a process that died before it wrote it, or that is about to. */
const UNWRITTEN_MS_MAX = 10_000;
const UNKNOWN_PID = 0;
/** Errors of file systems without links. */
const NO_LINKS = new Set(["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EINVAL", "UNKNOWN"]);
/** Time between two looks at a lock that is waited for. */
const LOOK_MS_MAX = 100;

/** Where all copies of this package in one thread find the locks that it holds. */
const REGISTRY = Symbol.for("ferrolite.locks");

/**
 * Takes the lock of a file, or throws an error with the code `Locked`. A lock whose holder lives is waited for, for `timeoutMs` at
 * most.
 */
export async function lock(file: string, timeoutMs = 0): Promise<Lock> {
  const path = file + SUFFIX;
  const directory = dirname(path);
  const mark = randomBytes(8).toString("hex");
  const witness = await openWitness(directory, mark);
  const beats = !(witness !== undefined && isLocal(directory));
  const me: Holder = { ...here(), mark, witness: witness?.name, beats };
  try {
    await take(path, me, performance.now() + timeoutMs);
  } catch (thrown) {
    witness?.end();
    throw thrown;
  }
  return held(path, me, witness);
}

function held(path: string, { mark, ...me }: Holder, witness: Witness | undefined): Lock {
  const lease = me.beats === true ? leaseOf(path, { ...me, mark }) : undefined;
  if (witness !== undefined) keep(witness);
  return {
    confirm: () => lease?.confirm(),
    release() {
      lease?.end();
      if (registry().get(path) === mark) registry().delete(path);
      removeOwn(path, mark);
      if (witness === undefined) return;
      witnesses.delete(witness);
      witness.end();
    },
  };
}

async function take(path: string, me: Holder, endMs: number): Promise<void> {
  let contested = 0;
  let vanished = 0;
  for (let lookMs = 5; ; lookMs = Math.min(2 * lookMs, LOOK_MS_MAX)) {
    if (create(path, me)) {
      // At once, so that no other opening in this thread takes the lock for one that is left over.
      registry().set(path, me.mark);
      return;
    }
    const holder = read(path);
    if (holder === undefined) {
      // A broken link, say, is no lock, and nothing can be created in its place.
      if (++vanished > ATTEMPTS_MAX) throw locked(path, { ...here(), pid: UNKNOWN_PID, mark: "" });
      continue;
    }
    const verdict = await judge(holder, path);
    if (verdict === "dead" || (verdict === "unknown" && (await isStill(path, holder)))) {
      if (removeDead(path, holder, me)) continue;
      // Another taker is at it. One that died while it was is found in the same way.
      if (++contested > ATTEMPTS_MAX) await recover(`${path}.${holder.mark}`, me);
    } else if (performance.now() >= endMs) {
      throw locked(path, read(path) ?? holder);
    }
    const leftMs = verdict === "dead" ? lookMs : Math.min(lookMs, Math.max(endMs - performance.now(), 1));
    await new Promise((resolve) => setTimeout(resolve, leftMs));
  }
}

/** Creates a lock with its content; false if there is one. */
function create(path: string, me: Holder): boolean {
  if (fs.existsSync(path)) return false;
  const content = JSON.stringify(me);
  const draft = join(dirname(path), `.ferrolite-${me.mark}.new`);
  try {
    fs.writeFileSync(draft, content, { flag: "wx" });
    fs.linkSync(draft, path);
    return true;
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "EEXIST") return false;
    if (!NO_LINKS.has(code ?? "") || !fs.existsSync(draft)) throw thrown;
  } finally {
    tryTo(() => fs.unlinkSync(draft));
  }
  try {
    fs.writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (thrown) {
    if (codeOf(thrown) === "EEXIST") return false;
    if (read(path)?.pid === UNKNOWN_PID) tryTo(() => fs.unlinkSync(path));
    throw thrown;
  }
}

/** Removes the lock of a dead holder; false if another taker is at it. */
function removeDead(path: string, holder: Holder, me: Holder): boolean {
  const guard = `${path}.${holder.mark}`;
  if (!create(guard, me)) return false;
  try {
    const now = read(path);
    // A holder that renewed its lease in the meantime lives.
    if (now?.mark === holder.mark && now.touchedMs === holder.touchedMs) {
      fs.unlinkSync(path);
      if (holder.witness !== undefined) forgetWitness(dirname(path), holder.witness);
    }
    return true;
  } finally {
    removeOwn(guard, me.mark);
  }
}

/** Removes what a taker left that died while it removed a lock. A taker that may be alive keeps it. */
async function recover(guard: string, me: Holder): Promise<void> {
  const taker = read(guard);
  if (taker === undefined) return;
  if ((await judge(taker, guard)) !== "dead" || !removeDead(guard, taker, me)) throw locked(guard, taker);
}

/** Returns the holder of a lock; `undefined` if there is no lock any more. */
function read(path: string): Holder | undefined {
  try {
    const touchedMs = fs.statSync(path).mtimeMs;
    try {
      const holder = JSON.parse(fs.readFileSync(path, "utf8")) as Holder;
      if (typeof holder.pid === "number" && typeof holder.mark === "string") return { ...holder, touchedMs };
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
    }
    const started = Date.now() - touchedMs < UNWRITTEN_MS_MAX ? "now" : "";
    const { host } = here();
    return { pid: UNKNOWN_PID, thread: 0, host, started, mark: `unwritten-${Math.trunc(touchedMs)}`, touchedMs };
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Judges the holder of a lock. */
async function judge(holder: Holder, path: string): Promise<Verdict> {
  const me = here();
  if (holder.pid === UNKNOWN_PID) return holder.started === "now" ? "lives" : "dead";
  if (holder.boot === undefined) return judgeOld(holder, path);
  const other = holder as Holder & Place;
  const isNear = isSameKernel(other, me) && other.space === me.space;
  if (isNear && other.pid === me.pid && other.thread === me.thread && other.started === me.started) {
    return registry().get(path) === other.mark ? "lives" : "dead";
  }
  const testimony = other.witness === undefined ? "unknown" : await ask(dirname(path), other.witness);
  if (testimony === "alive") return "lives";
  if (isNear && hasEnded(other)) return "dead";
  const isOnlyHere = isLocal(dirname(path));
  if (testimony === "gone" && isSameKernel(other, me) && isOnlyHere) return "dead";
  if (isNear) return testimony === "unknown" || other.pid !== me.pid ? "lives" : "dead";
  if (other.boot !== "" && me.boot !== "" && other.boot !== me.boot && isOnlyHere) return "dead";
  if (other.boot === "" && me.boot === "" && other.host === me.host) {
    if (hasEnded(other) || testimony === "gone") return "dead";
    return "lives";
  }
  return "unknown";
}

/** Judges a holder of version 0.1.0. */
function judgeOld(holder: Holder, path: string): Verdict {
  if (holder.host !== here().host) return "unknown";
  if (hasEnded(holder)) return "dead";
  if (holder.pid !== process.pid) return "lives";
  return holder.thread !== here().thread || registry().get(path) === holder.mark ? "lives" : "dead";
}

/** Watches a lock for much longer than its holder's lease; true if nobody touched it. */
async function isStill(path: string, holder: Holder): Promise<boolean> {
  if (holder.beats !== true) return false;
  const endMs = performance.now() + TAKEOVER_MS;
  while (performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, BEAT_MS / 4));
    const now = read(path);
    if (now?.mark !== holder.mark || now.touchedMs !== holder.touchedMs) return false;
  }
  return true;
}

/** The lease of a holder that beats. */
function leaseOf(path: string, me: Holder): Lease {
  const isOurs = () => read(path)?.mark === me.mark;
  const touch = () => {
    const now = new Date();
    if (!isOurs()) return false;
    fs.utimesSync(path, now, now);
    return true;
  };
  return new Lease({
    renew: touch,
    renewLate() {
      // A taker may be about to remove the lock: it must not be between its last look and the removal.
      const guard = `${path}.${me.mark}`;
      if (!create(guard, { ...me, mark: `${me.mark}0` })) return false;
      try {
        return touch();
      } finally {
        removeOwn(guard, `${me.mark}0`);
      }
    },
    lost: () => lostLock(path),
  });
}

function removeOwn(path: string, mark: string): void {
  if (read(path)?.mark === mark) fs.unlinkSync(path);
}

/** Witnesses of this copy of the package. */
const witnesses = new Set<Witness>();
let isExitWatched = false;

/** Sees to it that a witness leaves no file at the end of the process. */
function keep(witness: Witness): void {
  witnesses.add(witness);
  if (isExitWatched) return;
  isExitWatched = true;
  process.on("exit", () => witnesses.forEach((witness) => witness.end()));
}

/** The locks that this thread holds, mark by path. What is left of them at the end of the process is removed. */
function registry(): Map<string, string> {
  const global = process as unknown as Record<symbol, Map<string, string> | undefined>;
  const known = global[REGISTRY];
  if (known !== undefined) return known;
  const locks = new Map<string, string>();
  process.on("exit", () => {
    // A lock that stays is found to be stale.
    for (const [path, mark] of locks) tryTo(() => removeOwn(path, mark));
  });
  global[REGISTRY] = locks;
  return locks;
}

function tryTo(work: () => void): void {
  try {
    work();
  } catch {
    // The caller has a second way.
  }
}

function codeOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException).code;
}

function locked(path: string, holder: Holder): Error {
  const me = here();
  const isFar = holder.host !== me.host || (holder.space ?? me.space) !== me.space;
  const isBeside = !isFar && holder.pid === me.pid && holder.thread !== me.thread;
  const where = isFar ? ` on ${holder.host}` : isBeside ? `, thread ${holder.thread}` : "";
  const who = holder.pid === UNKNOWN_PID ? "another process" : `process ${holder.pid}${where}`;
  const message = `the database is open in ${who}; close it there first. If that process is certainly gone, delete ${path}`;
  return Object.assign(new Error(message), { code: "Locked" });
}

function lostLock(path: string): Error {
  const message = `another process took the lock ${path} over while this one did not run; open the database again`;
  return Object.assign(new Error(message), { code: "Locked" });
}
