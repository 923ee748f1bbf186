/**
 * Engines that several openings of a file in one thread share, as tabs share an engine in a browser. Copies of this package (of a
 * bundle and of a server, or of a module that was loaded again) find each other's engines in a registry of the process.
 *
 * The options of the first opening hold, but for `readOnly`, which is each client's own. If the first one reads only and a later
 * one writes, then the file is opened again for the writer, and the readers continue at the new engine.
 */
import type { KeyMaterial } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { Connection } from "../protocol/ferrolite.js";
import { scheduler } from "./engine.js";
import { databasePath, NodeHost, realPath } from "./files.js";
import type { Response, SessionRequest } from "../protocol/protocol.js";
import { Session } from "../protocol/session.js";

/** Grows with every change of what copies of this package say to each other. Different ones refuse each other. */
const VERSION = 1;

/** Where all copies of this package in one thread find the engines. */
const REGISTRY = Symbol.for("ferrolite.engines");

/** An opening of a database. */
export interface Opening {
  /** The name of the database, a path. */
  readonly name: string;
  /** Options of the engine. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly encryption: KeyMaterial | undefined;
  readonly lockTimeoutMs: number;
  readonly client: Client;
}

/** A client of an engine in its thread. */
export interface Client {
  receive(response: Response): void;
  /** Another engine answers from now on. */
  renewed(): void;
}

/** A client's way to its engine. */
export interface Link {
  handle(request: SessionRequest): void;
  step(): boolean;
}

/** An engine, as other copies of this package know it. */
interface Shared {
  readonly version: number;
  readonly isOver: boolean;
  join(opening: Opening): Promise<Link>;
}

interface Guest extends Client {
  /** Number in the session. */
  number: number;
}

/** Opens a file together with those who have it open in this thread. */
export async function openShared(opening: Opening): Promise<Link> {
  const path = pathOf(opening.name);
  const engines = registry();
  for (let known = engines.get(path); known !== undefined; known = engines.get(path)) {
    const engine = await known.catch(() => undefined);
    if (engine !== undefined && !engine.isOver) return join(engine, opening);
    if (engines.get(path) === known) engines.delete(path);
  }
  return register(path, async () => {
    const host = new NodeHost(opening.lockTimeoutMs);
    return { host, connection: await openOn(host, path, opening) };
  }, opening);
}

/** Opens a database in memory, which is never shared. */
export async function inMemory(options: Opening["options"], encryption: KeyMaterial | undefined, client: Client): Promise<Link> {
  try {
    return linkTo(await Connection.open(undefined, "memory", options, encryption?.terms, encryption?.secret), client);
  } catch (thrown) {
    throw FerroliteError.from(thrown, "Internal");
  }
}

/** The only client of an engine. */
export function linkTo(connection: Connection, client: Client): Link {
  return new Session(connection, scheduler, client.receive, Infinity);
}

/** Shares an engine that was opened otherwise: that of an import. */
export async function share(connection: Connection, host: NodeHost, opening: Opening): Promise<Link> {
  return register(pathOf(opening.name), async () => ({ host, connection }), opening);
}

async function register(
  path: string,
  open: () => Promise<{ host: NodeHost; connection: Connection }>,
  opening: Opening,
): Promise<Link> {
  const opened = open().then(({ host, connection }) => new SharedEngine(path, host, connection, opening));
  // A failed opening is reported to its own caller.
  opened.catch(() => {});
  registry().set(path, opened);
  try {
    return (await opened).first;
  } catch (thrown) {
    if (registry().get(path) === opened) registry().delete(path);
    throw thrown;
  }
}

function join(engine: Shared, opening: Opening): Promise<Link> {
  if (engine.version === VERSION) return engine.join(opening);
  const message =
    "another copy of Ferrolite has this database open in this process, and the two do not understand each other; " +
    "close it there, or use one version";
  throw new FerroliteError("Unsupported", message);
}

async function openOn(host: NodeHost, path: string, { options, encryption }: Opening): Promise<Connection> {
  try {
    return await Connection.open(host, path, options, encryption?.terms, encryption?.secret);
  } catch (thrown) {
    host.closeAll();
    throw host.explain(thrown);
  }
}

class SharedEngine implements Shared {
  readonly version = VERSION;
  readonly first: Link;
  readonly #path: string;
  readonly #guests = new Set<Guest>();
  #options: Opening["options"];
  #host: NodeHost;
  #connection: Connection;
  #session: Session;
  /** A writer that is opening the file. */
  #writing: Promise<void> | undefined;

  constructor(path: string, host: NodeHost, connection: Connection, { options, client }: Opening) {
    this.#path = path;
    this.#host = host;
    this.#connection = connection;
    this.#options = options;
    this.#session = this.#serve(client);
    this.first = this.#admit({ ...client, number: 0 });
  }

  get isOver(): boolean {
    return this.#session.isOver;
  }

  async join(opening: Opening): Promise<Link> {
    const { options, encryption, client } = opening;
    const isReadOnly = options.readOnly === true;
    if (!this.#host.isCurrent()) throw replaced(this.#path);
    try {
      this.#connection.opens(encryption?.terms, encryption?.secret);
      if (JSON.stringify(options) !== JSON.stringify(this.#options)) await assertOptions(options);
    } catch (thrown) {
      throw FerroliteError.from(thrown, "Internal");
    }
    await this.#writing;
    // It may have been closed in the meantime.
    if (this.isOver) return openShared(opening);
    if (!isReadOnly && this.#options.readOnly === true) {
      const switching = this.#switchTo(opening);
      this.#writing = switching.then(() => {}, () => {}).finally(() => (this.#writing = undefined));
      return switching;
    }
    return this.#admit({ ...client, number: this.#session.join(new Uint8Array(), isReadOnly, client.receive) });
  }

  #serve(client: Client): Session {
    const session = new Session(this.#connection, scheduler, client.receive, Infinity);
    session.onStop = (error) => {
      this.#host.closeAll();
      this.#forget();
      for (const guest of this.#guests) guest.receive({ fatal: error });
    };
    return session;
  }

  #admit(guest: Guest): Link {
    this.#guests.add(guest);
    return {
      handle: (request) => {
        this.#session.handle(request, guest.number);
        if (request.kind !== "close") return;
        this.#guests.delete(guest);
        if (this.isOver) this.#forget();
      },
      step: () => this.#session.step(),
    };
  }

  /** Opens the file for a writer. The readers continue at the new engine; the lock stays held. */
  async #switchTo(opening: Opening): Promise<Link> {
    const host = new NodeHost(opening.lockTimeoutMs, this.#host);
    const connection = await openOn(host, this.#path, opening);
    // The readers' watches continue there.
    connection.keepChanges(true);
    const before = this.#session;
    const readers = [...this.#guests];
    this.#guests.clear();
    [this.#host, this.#connection, this.#options] = [host, connection, opening.options];
    this.#session = this.#serve(opening.client);
    const link = this.#admit({ ...opening.client, number: 0 });
    if (!before.isOver) before.close();
    for (const reader of readers) {
      // With an id: the engine recognizes what was opened at the engine before.
      reader.number = this.#session.join(crypto.getRandomValues(new Uint8Array(16)), true, reader.receive);
      this.#guests.add(reader);
      reader.renewed();
    }
    return link;
  }

  #forget(): void {
    const engines = registry();
    const known = engines.get(this.#path);
    void known?.then((engine) => engine === this && engines.get(this.#path) === known && engines.delete(this.#path));
  }
}

/** Throws unless a database can be opened with these. */
async function assertOptions({ readOnly, allowDamage, create: _, ...options }: Opening["options"]): Promise<void> {
  const checked = readOnly === true ? options : { ...options, ...(allowDamage === undefined ? {} : { allowDamage }) };
  (await Connection.open(undefined, "options", checked, undefined, undefined)).close();
}

function pathOf(name: string): string {
  const path = databasePath(name);
  try {
    return realPath(path);
  } catch {
    // Opening it reports the reason.
    return path;
  }
}

function replaced(path: string): FerroliteError {
  const message = `the file ${path} was removed or replaced while the database is open in this process; close it here first`;
  return new FerroliteError("Locked", message);
}

function registry(): Map<string, Promise<Shared>> {
  const global = process as unknown as Record<symbol, Map<string, Promise<Shared>> | undefined>;
  return (global[REGISTRY] ??= new Map());
}
