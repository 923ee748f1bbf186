/** The dedicated worker in which a browser runs the engine: it alone may use OPFS synchronously. */
import { wipe } from "./encryption.js";
import { FerroliteError } from "./error.js";
import init, { Connection } from "./ferrolite.js";
import { assertSupported, fileName, OpfsHost, storageFacts } from "./opfs.js";
import type { Request, Response } from "./protocol.js";
import { salvage } from "./salvage.js";
import { type Scheduler, Session } from "./session.js";
import { memoryFacts, splitOptions } from "./options.js";

/** The parts of a worker's global scope that are used here. */
const scope = globalThis as unknown as {
  postMessage(message: Response, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};

/** A message to oneself waits its turn among the messages of the page; a timeout would wait 4 ms and longer. */
function scheduler(): Scheduler {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return {
    soon(work) {
      waiting.push(work);
      port2.postMessage(undefined);
    },
    later(work, milliseconds) {
      const timer = setTimeout(work, milliseconds);
      return () => clearTimeout(timer);
    },
  };
}

async function loadEngine(): Promise<void> {
  const url = new URL("./ferrolite_bg.wasm", import.meta.url);
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    await init({ module_or_path: response });
  } catch (thrown) {
    throw FerroliteError.from(thrown, "Io", `the engine could not be loaded from ${url}`);
  }
}

async function open({ name, options, encryption }: Request & { kind: "open" }) {
  const { storage, engine } = splitOptions(options);
  const inMemory = storage === "memory";
  if (!inMemory) assertSupported();
  await loadEngine();
  const connection = inMemory
    ? await Connection.open(undefined, name, engine, encryption?.terms, encryption?.secret)
    : await Connection.open(new OpfsHost(), fileName(name), engine, encryption?.terms, encryption?.secret);
  const facts = inMemory ? memoryFacts : await storageFacts(name);
  const session = new Session(connection, scheduler(), (response, transfer) => {
    scope.postMessage(response, transfer);
  });
  return { session, facts };
}

async function runSalvage({ id, name, out, encryption }: Request & { kind: "salvage" }): Promise<void> {
  const { soon } = scheduler();
  let isAborted = false;
  scope.onmessage = ({ data }) => {
    isAborted ||= data.kind === "abort";
  };
  try {
    assertSupported();
    await loadEngine();
    const value = await salvage(new OpfsHost(), fileName(name), fileName(out), encryption, {
      pause: () => new Promise((resolve) => soon(resolve, true)),
      isAborted: () => isAborted,
      progress: (progress) => scope.postMessage({ progress }, []),
    });
    scope.postMessage({ id, value }, []);
  } catch (thrown) {
    scope.postMessage({ id, error: FerroliteError.from(thrown, "Io").report() }, []);
  } finally {
    wipe(encryption);
  }
}

scope.onmessage = async ({ data: first }) => {
  if (first.kind === "salvage") return runSalvage(first);
  if (first.kind !== "open") return;
  try {
    const { session, facts } = await open(first);
    scope.onmessage = ({ data }) => {
      if (data.kind !== "open" && data.kind !== "salvage" && data.kind !== "abort") session.handle(data);
    };
    scope.postMessage({ id: first.id, value: facts }, []);
  } catch (thrown) {
    scope.postMessage({ id: first.id, error: FerroliteError.from(thrown, "Io").report() }, []);
  } finally {
    wipe(first.encryption);
  }
};
