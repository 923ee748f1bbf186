/** The dedicated worker in which a browser runs the engine: it alone may use OPFS synchronously. */
import { type KeyMaterial, wipe } from "../arguments/encryption.js";
import { engineFiles, loadEngine, onStop, scheduler, setEngine } from "./engine.js";
import { FerroliteError } from "../error.js";
import { Connection, Importing } from "../protocol/ferrolite.js";
import { fileName } from "../storage/file-name.js";
import type { Request, Response, SessionRequest, Sharing } from "../protocol/protocol.js";
import type { PlainOptions } from "../arguments/options.js";
import { salvage } from "./salvage.js";
import { Session, stopReport } from "../protocol/session.js";
import { splitOptions } from "../arguments/storage-options.js";
import { assertNew, type Place, placeOf } from "../storage/ladder.js";
import { Engine } from "../tabs/engine.js";
import type { Notice, Port } from "../tabs/messages.js";

/** The parts of a worker's global scope that are used here. */
const scope = globalThis as unknown as {
  postMessage(message: Response | Notice, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  addEventListener(kind: "message", listener: (event: MessageEvent<Request>) => void): void;
};

/** The port to the broker, or none, when the page says so: some time after it has asked to open. */
const broker = new Promise<MessagePort | undefined>((resolve) =>
  scope.addEventListener("message", ({ data }) => data.kind === "broker" && resolve(data.port)),
);

/** Sends to the page. Where files are stored later than they are flushed it is what waits for that. */
let post = (response: Response, transfer: ArrayBuffer[]): void => scope.postMessage(response, transfer);

/** Finds the place of a database, and loads the engine. */
async function prepare({ name, options, expected }: Pick<Request & { kind: "open" }, "name" | "options" | "expected">) {
  const { place: wish, engine } = splitOptions(options);
  const answersUnflushed = (engine.durability ?? "always") !== "always";
  const [place] = await Promise.all([placeOf({ ...wish, name, answersUnflushed, expected }), loadEngine().then(tellLoaded)]);
  post = place.ordered(post);
  return { place, engine };
}

function tellLoaded(): void {
  scope.postMessage({ loaded: true }, []);
}

/** From now on messages go to the database; the one that opened it is answered. */
async function serve(connection: Connection, id: number, { facts }: Place): Promise<void> {
  const value = await facts;
  const session = new Session(connection, scheduler(), post);
  scope.onmessage = ({ data }) => session.handle(data as SessionRequest);
  post({ id, value }, []);
}

/** From now on clients come by ports, that which has started us first. */
async function share(
  connection: Connection,
  id: number,
  { options, encryption }: Request & { kind: "open" | "import" },
  place: Place,
  sharing: Sharing,
): Promise<void> {
  scope.onmessage = null;
  connection.keepChanges(sharing.isSuccessor);
  const engine = new Engine(sharing, {
    session: new Session(connection, scheduler(), () => {}),
    facts: await place.facts,
    ordered: place.ordered,
    look: place.look,
    openedAt: place.openedAt(),
    letterTerms: () => connection.letterTerms(),
    files: engineFiles(),
    options,
    encryption,
    prove: (material: KeyMaterial | undefined) => connection.opens(material?.terms, material?.secret),
    check: checkOptions,
    // When it is closed there is nobody for whom this worker is there.
    port: scope as Port,
    tell: (notice) => scope.postMessage(notice, []),
  });
  post({ id, value: undefined }, []);
  await engine.start(broker);
}

/** Throws unless a database can be opened with these. */
async function checkOptions(options: PlainOptions): Promise<void> {
  const { readOnly: _, create: __, ...engine } = splitOptions(options).engine;
  (await Connection.open(undefined, "options", engine, undefined, undefined)).close();
}

function fail(id: number, thrown: unknown): void {
  post({ id, error: FerroliteError.from(thrown, "Io").report() }, []);
}

async function runOpen(first: Request & { kind: "open" }): Promise<void> {
  const { id, sharing } = first;
  try {
    const { place, engine } = await prepare(first);
    const { terms, secret } = first.encryption ?? {};
    const connection = await Connection.open(place.host, place.file, engine, terms, secret);
    if (sharing === undefined) await serve(connection, id, place);
    else await share(connection, id, first, place, sharing);
  } catch (thrown) {
    fail(first.id, thrown);
  } finally {
    wipe(first.encryption);
  }
}

/** The client waits for the answer to each of its messages. */
async function runImport(first: Request & { kind: "import" }): Promise<void> {
  try {
    const { place, engine } = await prepare(first);
    const { terms, secret } = first.encryption ?? {};
    const begun = await Importing.begin(place.host, place.file, engine, terms, secret);
    scope.onmessage = async ({ data }) => {
      const { id } = data;
      try {
        if (data.kind === "importEnd") {
          const connection = await begun.finish();
          if (data.sharing === undefined) return await serve(connection, id, place);
          return await share(connection, id, first, place, data.sharing);
        }
        if (data.kind === "importChunk") begun.write(data.bytes);
        else await begun.giveUp();
        post({ id, value: undefined }, []);
      } catch (thrown) {
        fail(id, thrown);
      }
    };
    post({ id: first.id, value: undefined }, []);
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
    const { place } = await prepare({ name, options: {} });
    await assertNew(out);
    if (place.host === undefined) throw new FerroliteError("NotFound", `there is no "${name}"`);
    const value = await salvage(place.host, place.file, fileName(out), encryption, {
      pause: () => new Promise((resolve) => soon(resolve, true)),
      isAborted: () => isAborted,
      progress: (progress) => scope.postMessage({ progress }, []),
    });
    post({ id, value }, []);
  } catch (thrown) {
    fail(id, thrown);
  } finally {
    wipe(encryption);
  }
}

onStop((thrown) => post({ fatal: stopReport(thrown) }, []));
scope.onmessage = ({ data: first }) => {
  if (first.kind === "salvage") void runSalvage(first);
  else if (first.kind === "import") void runImport(first);
  else if (first.kind === "open") void runOpen(first);
  else if (first.kind === "engine") setEngine(first.wasm, first.rest);
};
