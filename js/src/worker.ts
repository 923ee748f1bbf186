/** The dedicated worker in which a browser runs the engine: it alone may use OPFS synchronously. */
import { type KeyMaterial, wipe } from "./encryption.js";
import { FerroliteError } from "./error.js";
import init, { Connection, Importing } from "./ferrolite.js";
import { assertSupported, fileName, OpfsHost, storageFacts } from "./opfs.js";
import type { PlainOptions, Request, Response, SessionRequest } from "./protocol.js";
import { salvage } from "./salvage.js";
import { type Scheduler, Session } from "./session.js";
import { memoryFacts, splitOptions } from "./options.js";
import { Engine, introduce } from "./tabs/engine.js";
import type { Notice, Sharing } from "./tabs/messages.js";

/** The parts of a worker's global scope that are used here. */
const scope = globalThis as unknown as {
  postMessage(message: Response | Notice, transfer: ArrayBuffer[]): void;
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

/** From now on clients come by ports, that which has started us first. */
async function share(
  connection: Connection,
  id: number,
  { name, options, encryption }: Request & { kind: "open" | "import" },
  sharing: Sharing,
  introduced: Promise<unknown>,
): Promise<void> {
  connection.keepChanges(sharing.isSuccessor);
  const engine = new Engine(sharing, {
    session: new Session(connection, scheduler(), () => {}),
    facts: await storageFacts(name),
    options,
    encryption,
    prove: (material: KeyMaterial | undefined) => connection.opens(material?.terms, material?.secret),
    check: checkOptions,
    tell: (notice) => scope.postMessage(notice, []),
  });
  scope.postMessage({ id, value: undefined }, []);
  await engine.start(introduced);
}

/** Throws unless a database can be opened with these. */
async function checkOptions(options: PlainOptions): Promise<void> {
  const { readOnly: _, create: __, ...engine } = splitOptions(options).engine;
  (await Connection.open(undefined, "options", engine, undefined, undefined)).close();
}

function fail(id: number, thrown: unknown): void {
  scope.postMessage({ id, error: FerroliteError.from(thrown, "Io").report() }, []);
}

async function runOpen(first: Request & { kind: "open" }): Promise<void> {
  const { id, name, sharing } = first;
  try {
    const introduced = sharing && introduce(sharing);
    const { begun: connection, inMemory } = await begin(first, Connection.open);
    if (sharing === undefined) await serve(connection, id, name, inMemory);
    else await share(connection, id, first, sharing, introduced as Promise<unknown>);
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
        if (data.kind === "importEnd") {
          const connection = await begun.finish();
          if (data.sharing === undefined) return await serve(connection, id, first.name, inMemory);
          return await share(connection, id, first, data.sharing, introduce(data.sharing));
        }
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
};
