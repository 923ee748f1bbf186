/** The dedicated worker in which a browser runs the engine: it alone may use OPFS synchronously. */
import { wipe } from "./encryption.js";
import { loadEngine, scheduler, setEngine } from "./engine.js";
import { FerroliteError } from "./error.js";
import { Connection, Importing } from "./ferrolite.js";
import { assertSupported, fileName, OpfsHost, storageFacts } from "./opfs.js";
import type { Request, Response, SessionRequest } from "./protocol.js";
import { salvage } from "./salvage.js";
import { Session } from "./session.js";
import { memoryFacts, splitOptions } from "./options.js";

/** The parts of a worker's global scope that are used here. */
const scope = globalThis as unknown as {
  postMessage(message: Response, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
};

/** Loads the engine, and begins by one of its classes to work on the database that is asked for. */
async function begin<T>(
  { name, options, encryption }: Request & { kind: "open" | "import" },
  work: (...of: Parameters<typeof Connection.open>) => Promise<T>,
): Promise<{ begun: T; inMemory: boolean }> {
  const { storage, engine } = splitOptions(options);
  const inMemory = storage === "memory";
  if (!inMemory) assertSupported();
  await loadEngine();
  const begun = inMemory
    ? await work(undefined, name, engine, encryption?.terms, encryption?.secret)
    : await work(new OpfsHost(), fileName(name), engine, encryption?.terms, encryption?.secret);
  return { begun, inMemory };
}

/** From now on messages go to the database; the one that opened it is answered. */
async function serve(connection: Connection, id: number, name: string, inMemory: boolean): Promise<void> {
  const value = inMemory ? memoryFacts : await storageFacts(name);
  const session = new Session(connection, scheduler(), (response, transfer) => {
    scope.postMessage(response, transfer);
  });
  scope.onmessage = ({ data }) => session.handle(data as SessionRequest);
  scope.postMessage({ id, value }, []);
}

function fail(id: number, thrown: unknown): void {
  scope.postMessage({ id, error: FerroliteError.from(thrown, "Io").report() }, []);
}

async function runOpen(first: Request & { kind: "open" }): Promise<void> {
  try {
    const { begun, inMemory } = await begin(first, Connection.open);
    await serve(begun, first.id, first.name, inMemory);
  } catch (thrown) {
    fail(first.id, thrown);
  } finally {
    wipe(first.encryption);
  }
}

/** The client waits for the answer to each of its messages. */
async function runImport(first: Request & { kind: "import" }): Promise<void> {
  try {
    const { begun, inMemory } = await begin(first, Importing.begin);
    scope.onmessage = async ({ data }) => {
      const { id } = data;
      try {
        if (data.kind === "importEnd") return await serve(await begun.finish(), id, first.name, inMemory);
        if (data.kind === "importChunk") begun.write(data.bytes);
        else await begun.giveUp();
        scope.postMessage({ id, value: undefined }, []);
      } catch (thrown) {
        fail(id, thrown);
      }
    };
    scope.postMessage({ id: first.id, value: undefined }, []);
  } catch (thrown) {
    fail(first.id, thrown);
  } finally {
    wipe(first.encryption);
  }
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
    fail(id, thrown);
  } finally {
    wipe(encryption);
  }
}

scope.onmessage = ({ data: first }) => {
  if (first.kind === "salvage") void runSalvage(first);
  else if (first.kind === "import") void runImport(first);
  else if (first.kind === "open") void runOpen(first);
  else if (first.kind === "engine") setEngine(first.wasm);
};
