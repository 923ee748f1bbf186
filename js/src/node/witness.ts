/**
 * A witness of a living thread: a socket that listens as long as the thread lives. The kernel closes it when the thread ends,
 * in whatever way, and answers for it while the thread is suspended or busy.
 *
 * On Windows the socket is a named pipe. Elsewhere it lies beside the database, because containers share the directory, but
 * neither a network namespace nor a directory for temporary files.
 */
import * as fs from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** Bytes of a socket's path: Linux takes 107, macOS 103. */
const PATH_BYTES_MAX = 103;
/** Milliseconds that a question may take; the kernel answers at once. */
const ANSWER_MS_MAX = 1000;

export interface Witness {
  /** By which others ask for it: a file beside the database, or a pipe. */
  readonly name: string;
  end(): void;
}

/** What a question comes to: it listens, nobody listens there any more, or that cannot be known. */
export type Testimony = "alive" | "gone" | "unknown";

/** Opens the witness for a lock with this mark; `undefined` where there are no such sockets. */
export async function openWitness(directory: string, mark: string): Promise<Witness | undefined> {
  const name = process.platform === "win32" ? `\\\\.\\pipe\\ferrolite-${mark}` : `.ferrolite-${mark}`;
  const draft = process.platform === "win32" ? name : `${name}.new`;
  const way = wayTo(directory, draft);
  if (way === undefined) return undefined;
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // A worker of a cluster listens by itself, not by its parent.
      server.listen({ path: way.path, exclusive: true, readableAll: true, writableAll: true }, () => resolve());
    });
    // The runtime removes a socket that it closes by its first name. A file that stays tells a dead thread from a removed file.
    if (draft !== name) fs.renameSync(join(directory, draft), join(directory, name));
  } catch {
    // File systems without sockets, and runtimes that forbid them.
    server.close(() => {});
    return undefined;
  } finally {
    way.leave();
  }
  server.on("error", () => {});
  server.unref();
  return {
    name,
    end() {
      forgetWitness(directory, name);
      server.close();
    },
  };
}

/** Asks a witness. */
export async function ask(directory: string, name: string): Promise<Testimony> {
  const way = wayTo(directory, name);
  if (way === undefined) return "unknown";
  try {
    return await new Promise((resolve) => {
      const socket = connect(way.path);
      const end = (testimony: Testimony) => {
        resolve(testimony);
        socket.destroy();
      };
      socket.setTimeout(ANSWER_MS_MAX, () => end("unknown"));
      socket.once("connect", () => end("alive"));
      socket.once("error", ({ code }: NodeJS.ErrnoException) => {
        if (code === "EAGAIN" || code === "EBUSY") end("alive");
        else end(code === "ECONNREFUSED" || (code === "ENOENT" && process.platform === "win32") ? "gone" : "unknown");
      });
    });
  } finally {
    way.leave();
  }
}

/** Removes the file of a witness. */
export function forgetWitness(directory: string, name: string): void {
  if (process.platform === "win32" || !/^\.ferrolite-[0-9a-f]+$/.test(name)) return;
  try {
    fs.unlinkSync(join(directory, name));
  } catch {
    // It is gone, or stays and means nothing.
  }
}

interface Way {
  readonly path: string;
  leave(): void;
}

/** A path that is short enough for a socket. */
function wayTo(directory: string, name: string): Way | undefined {
  if (process.platform === "win32") return { path: name, leave() {} };
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return { path, leave() {} };
  if (process.platform !== "linux") return undefined;
  try {
    const opened = fs.openSync(directory, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${opened}/${name}`, leave: () => fs.closeSync(opened) };
  } catch {
    return undefined;
  }
}
