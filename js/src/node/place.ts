/** Where this thread runs, as the lock of a file needs to know it: the boot of the kernel, the process, the file system. */
import * as fs from "node:fs";
import { hostname } from "node:os";
import { threadId } from "node:worker_threads";

/** A thread of a process of a machine. */
export interface Place {
  readonly pid: number;
  readonly thread: number;
  readonly host: string;
  /** Boot and start time of the process: two processes with the same number differ in it. Empty where the system has none. */
  readonly started: string;
  /** Boot of the kernel. Containers of one machine have the same one. Empty where the system has none. */
  readonly boot: string;
  /** Namespace of process numbers: numbers of two namespaces cannot be compared. Empty where the system has none. */
  readonly space: string;
}

/** Types of file systems that a single kernel mounts for writing (`statfs(2)`). */
const LOCAL = new Set([
  0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x858458f6, 0x794c7630, 0x2fc12fc1, 0xf2f52010, 0xca451a4e, 0x4d44, 0x2011bab0,
  0x7366746e, 0x5346544e, 0x3153464a, 0x52654973, 0x3434,
]);

let own: Place | undefined;

export function here(): Place {
  own ??= {
    pid: process.pid,
    thread: threadId,
    host: hostname(),
    started: started(process.pid) ?? "",
    boot: boot(),
    space: linkOf("/proc/self/ns/pid"),
  };
  return own;
}

/** True if both run on the same kernel. */
export function isSameKernel(a: Place, b: Place): boolean {
  return a.boot !== "" && a.boot === b.boot;
}

/** True if no other kernel can have the file of this directory open. */
export function isLocal(directory: string): boolean {
  if (process.platform !== "linux" || boot() === "") return false;
  try {
    // Types are signed on some machines.
    return LOCAL.has(fs.statfsSync(directory).type >>> 0);
  } catch {
    return false;
  }
}

/** Returns whether a process has ended. REQUIRES: its number is one of this namespace. */
export function hasEnded({ pid, started: at }: Pick<Place, "pid" | "started">): boolean {
  const now = started(pid);
  // Empty: it has ended, and waits to be collected.
  if (now === "" || (at !== "" && now !== undefined && now !== at)) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Boot and start time of a process; `undefined` where the system does not report it, empty for a process that has ended. */
function started(pid: number): string | undefined {
  // A /proc of another namespace knows other numbers.
  if (linkOf("/proc/self") !== String(process.pid)) return undefined;
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command, in parentheses, may hold anything; the state follows it, and the start time 19 fields later.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? "" : `${boot()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

function boot(): string {
  try {
    return fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return "";
  }
}
