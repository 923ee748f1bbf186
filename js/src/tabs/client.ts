/**
 * One of those who have a file open: it leads, or follows who leads. Whoever leads is gone one day, in whatever way; then
 * the next one in the queue for the file's lock leads, and all send it what was not answered.
 *
 * ```text
 *            lock is granted, or taken over          lock is lost, or handed over
 *  seeking ────────────────────────────▶ leading ────────────────────────────────▶ seeking
 *     │          "leads" is heard                    "leads" of another is heard
 *     └────────────────────────────────▶ following ──────────────────────────────▶ following
 * ```
 */
import { Channel } from "../channel.js";
import { copyOf, type KeyMaterial, wipe } from "../encryption.js";
import { type ErrorReport, FerroliteError } from "../error.js";
import { type PlainOptions, type Request, type SessionRequest, type StorageFacts, TEXT_MAX } from "../protocol.js";
import * as eviction from "../storage/eviction.js";
import type { DurableKind } from "../storage/ladder.js";
import { connect, startBroker } from "./connect.js";
import { type Hold, lifeOf, nameOf, take } from "./locks.js";
import {
  type Announcement, type ClientMessage, type EngineMessage, type Notice, otherVersion, type Port, PROTOCOL, randomId,
  type Sharing,
} from "./messages.js";
import { Outbox } from "./outbox.js";
import { isVisible, watchPage } from "./page.js";

/** How long a client that cannot lead waits for one that can. */
const NOBODY_MS = 5000;
/** How long one that was told to take over may take to do so. */
const TAKING_OVER_MS = 2000;
/** How long the first calls are left to themselves, before the broker is started. */
const BROKER_MS = 100;

/** An engine's worker, and the channel by which it is asked to open. */
export interface Started {
  readonly worker: Worker;
  readonly channel: Channel;
}

/** What a client needs to open the file, and to open it again for one that is gone. */
export interface Opening {
  readonly name: string;
  readonly file: string;
  readonly options: PlainOptions;
  /** Stays the caller's. */
  readonly encryption: KeyMaterial | undefined;
  readonly startWorker: () => Started;
}

/** Whether tabs can share here; where not, there is no file either that they could. */
export const canShare = () => typeof BroadcastChannel !== "undefined" && globalThis.navigator?.locks !== undefined;

/** Whether engines can be started here. Shared workers of some browsers cannot. */
const canLead = () => typeof Worker !== "undefined";

export class Client {
  readonly channel: Channel;
  readonly #id = randomId();
  readonly #file: string;
  readonly #name: string;
  readonly #readOnly: boolean;
  readonly #startWorker: () => Started;
  readonly #outbox: Outbox;
  readonly #opened: Promise<StorageFacts>;
  #settle!: { resolve(facts: StorageFacts): void; reject(error: FerroliteError): void };
  /** Those of the database, once it is open. */
  #options: PlainOptions;
  #encryption: KeyMaterial | undefined;
  /** Where the database should be. */
  #expected: DurableKind | undefined;
  /** By which others see that we are alive; on its way. */
  #life: Promise<Hold | undefined> | undefined;
  #broadcast: BroadcastChannel | undefined;
  #unwatch = () => {};
  /** Calls our place in the queue for the lock off. */
  #queue: AbortController | undefined;
  /** The lock, while we lead or have just done so. */
  #hold: Hold | undefined;
  #worker: Worker | undefined;
  /** The engine that we talk to, or try to. */
  #engine: string | undefined;
  #port: Port | undefined;
  /** Whether some engine has let us in. */
  #isIn = false;
  /** The change of the key whose new key was tried already. */
  #tried: object | undefined;
  #isAsleep = false;
  #isOver = false;
  #nobody: ReturnType<typeof setTimeout> | undefined;

  constructor({ name, file, options, encryption, startWorker }: Opening) {
    this.#name = name;
    this.#file = file;
    this.#options = options;
    this.#readOnly = options.readOnly === true;
    this.#encryption = copyOf(encryption);
    this.#expected = eviction.expected(name);
    this.#startWorker = startWorker;
    this.#outbox = new Outbox(() => this.channel.pump(), (id) => this.channel.receive({ id, error: tooLate() }));
    this.channel = new Channel((request) => this.#outbox.push(request as SessionRequest), () => this.#outbox.isFull, TEXT_MAX);
    this.#opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#opened.catch(() => {});
  }

  /** Opens the database, whoever leads; what is known of where it is. */
  async open(): Promise<StorageFacts> {
    this.#begin();
    this.#seek();
    return this.#opened;
  }

  /** Leads by a worker that is about to open the file, and does so when `serve` gives it what belongs to that. */
  async openBy(hold: Hold, worker: Worker, serve: (sharing: Sharing) => Promise<unknown>): Promise<StorageFacts> {
    this.#hold = hold;
    this.#begin();
    await this.#lead(worker, serve);
    return this.#opened;
  }

  /** The lock of the file was taken away. */
  readonly lost = (): void => {
    this.#stop();
    this.#hold = undefined;
    this.#seek();
  };

  /** Lets go of everything. Returns once others can have it. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stop();
    this.#unwatch();
    clearTimeout(this.#nobody);
    this.#queue?.abort();
    this.#broadcast?.close();
    wipe(this.#encryption);
    await this.#hold?.release();
    await (await this.#life)?.release();
  }

  #begin(): void {
    this.#live();
    this.#listen();
    this.#unwatch = watchPage({
      showed: (isVisible) => this.#port?.postMessage({ kind: "visible", isVisible }, []),
      slept: (isLeft) => this.#sleep(isLeft),
      woke: () => this.#wake(),
    });
  }

  #live(): void {
    this.#life ??= take(lifeOf(this.#file, this.#id)).catch((thrown: unknown) => {
      this.#fail(FerroliteError.from(thrown, "Io"));
      return undefined;
    });
  }

  #listen(): void {
    this.#broadcast?.close();
    this.#broadcast = new BroadcastChannel(nameOf(this.#file));
    this.#broadcast.onmessage = ({ data }: MessageEvent<Announcement>) => this.#heard(data);
  }

  #seek(): void {
    if (this.#isOver || this.#isAsleep) return;
    this.#line();
    this.#say({ kind: "hello", version: PROTOCOL });
  }

  /** Waits for the lock of the file, and leads when it is there. */
  #line(): void {
    if (this.#queue !== undefined || this.#hold !== undefined) return;
    const queue = (this.#queue = new AbortController());
    // Who cannot lead only wants to know when nobody does.
    const mode = canLead() ? "exclusive" : "shared";
    const granted = (hold: Hold | undefined) => {
      if (queue.signal.aborted || hold === undefined) return hold?.release();
      this.#queue = undefined;
      if (canLead()) return this.#leadBy(hold);
      this.#nobody ??= setTimeout(() => this.#fail(nobodyLeads()), NOBODY_MS);
      return hold.release();
    };
    take(nameOf(this.#file), { signal: queue.signal, mode }, this.lost).then(granted, () => {});
  }

  #leadBy(hold: Hold): Promise<void> {
    this.#hold = hold;
    let started: Started;
    try {
      started = this.#startWorker();
    } catch (thrown) {
      // One that was given a worker, and no function that makes one, has no second.
      this.#fail(FerroliteError.from(thrown, "Io"));
      return Promise.resolve();
    }
    const { worker, channel } = started;
    return this.#lead(worker, async (sharing) => {
      const encryption = copyOf(this.#encryption);
      await channel.request({ kind: "open", name: this.#name, options: this.#options, encryption, expected: this.#expected, sharing });
    });
  }

  /** Starts an engine by `serve`, and is its first client. */
  async #lead(worker: Worker, serve: (sharing: Sharing) => Promise<unknown>): Promise<void> {
    this.#leave();
    this.#worker = worker;
    const engine = (this.#engine = randomId());
    worker.addEventListener("message", ({ data }: MessageEvent<Notice>) => worker === this.#worker && this.#noticed(data));
    // Where another engine was others wait for this one, and the broker is there.
    if (this.#isIn) this.#introduce(worker);
    try {
      await serve({ file: this.#file, engine, client: this.#id, isSuccessor: this.#isIn });
      await this.#life;
      if (worker !== this.#worker) return;
      worker.addEventListener("error", ({ message }) => {
        if (worker === this.#worker) this.#noticed({ kind: "stopped", error: { code: "Io", message }, isOwn: true });
      });
      this.#join(worker);
      if (!this.#isIn) setTimeout(() => this.#introduce(worker), BROKER_MS);
    } catch (thrown) {
      if (worker !== this.#worker) return;
      const error = FerroliteError.from(thrown, "Io");
      const changed = this.#outbox.rekeying;
      if (error.code !== "WrongKey" || changed === undefined || changed === this.#tried) return this.#fail(error);
      // A change of the key was under way, and is done.
      this.#tried = changed;
      wipe(this.#encryption);
      this.#encryption = copyOf(changed.encryption);
      worker.terminate();
      return this.#leadBy(this.#hold as Hold);
    }
  }

  /** Gives an engine its port to the broker. Where there is none, it says by itself that it is there. */
  #introduce(worker: Worker): void {
    const port = startBroker()?.port;
    worker.postMessage({ kind: "broker", id: 0, port } satisfies Request, port === undefined ? [] : [port]);
  }

  async #follow(engine: string): Promise<void> {
    this.#leave();
    this.#engine = engine;
    const port = await connect(this.#file, engine, this.#broadcast as BroadcastChannel);
    await this.#life;
    if (this.#engine !== engine || this.#isOver) return port?.close?.();
    if (port !== undefined) return this.#join(port);
    // It is gone, or very busy.
    this.#engine = undefined;
    this.#say({ kind: "hello", version: PROTOCOL });
  }

  #join(port: Port): void {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<EngineMessage>) => this.#take(port, data);
    const join: ClientMessage = {
      kind: "join",
      version: PROTOCOL,
      client: this.#id,
      readOnly: this.#readOnly,
      options: this.#isIn ? undefined : this.#options,
      canLead: canLead(),
      isVisible: isVisible(),
      encryption: this.#encryption,
    };
    port.postMessage(join, []);
  }

  /** Takes what the engine sends. */
  #take(port: Port, message: EngineMessage): void {
    if (!("kind" in message)) {
      this.channel.receive(message);
      if ("fatal" in message && message.fatal.code === "Evicted") eviction.forget(this.#name);
      if ("fatal" in message) void this.end();
      else if ("id" in message) this.#outbox.answered(message.id);
    } else if (message.kind === "welcome") {
      clearTimeout(this.#nobody);
      this.#nobody = undefined;
      this.#options = { ...message.options, readOnly: this.#readOnly, create: false };
      if (this.#isIn) this.channel.renew();
      this.#isIn = true;
      this.#stays(message.facts.kind);
      // Who cannot lead waits again for the day when nobody does; and a page may have been hidden or shown meanwhile.
      this.#line();
      port.postMessage({ kind: "visible", isVisible: isVisible() }, []);
      this.#outbox.connect(port);
      this.#settle.resolve(message.facts);
    } else if (message.kind === "refused") {
      this.#fail(FerroliteError.from(message.error, "Internal"));
    } else if (message.kind === "rekeyed") {
      wipe(this.#encryption);
      this.#encryption = message.encryption;
    } else if (message.kind === "takeOver") {
      this.#takeOver();
    }
  }

  /** The database is here: who finds it nowhere, later on, tells so. */
  #stays(kind: StorageFacts["kind"]): void {
    if (kind === "opfs" || kind === "indexeddb") this.#expected = kind;
    eviction.remember(this.#name, kind);
  }

  /** The one who leads has closed the file for us. */
  #takeOver(): void {
    this.#leave();
    this.#queue?.abort();
    this.#queue = undefined;
    take(nameOf(this.#file), { steal: true }, this.lost).then((hold) => {
      if (hold === undefined) return;
      if (this.#isOver || this.#isAsleep) return void hold.release().then(() => this.#seek());
      return this.#leadBy(hold);
    }, () => this.#seek());
  }

  #noticed(notice: Notice): void {
    if (notice.kind === "stopped") {
      const error = FerroliteError.from(notice.error, "Internal");
      if (notice.isOwn) return this.#fail(error);
      // It was another's call, who knows. For the rest of us there is another engine.
      this.#stop();
      return this.#release();
    }
    if (notice.kind !== "handedOver") return;
    this.#stop();
    this.#say({ kind: "hello", version: PROTOCOL });
    // Who is to have the lock takes it away; unless it is gone, too.
    const hold = this.#hold;
    setTimeout(() => hold === this.#hold && this.#release(), TAKING_OVER_MS);
  }

  /** Gives the lock back, and follows whoever gets it. */
  #release(): void {
    const hold = this.#hold;
    this.#hold = undefined;
    void hold?.release().then(() => this.#seek());
  }

  #heard(announcement: Announcement): void {
    if (announcement.kind !== "leads" || this.#worker !== undefined || this.#isAsleep) return;
    if (announcement.version !== PROTOCOL) this.#fail(otherVersion(announcement.version));
    else if (announcement.engine !== this.#engine) void this.#follow(announcement.engine);
  }

  /** A page that does not run must not keep the others from running. */
  #sleep(isLeft: boolean): void {
    this.#isAsleep = true;
    this.#queue?.abort();
    this.#queue = undefined;
    // One that is kept for the way back is thrown away when it gets a message, or has what somebody waits for.
    this.#broadcast?.close();
    if (isLeft) {
      this.#leave();
      void this.#life?.then((hold) => hold?.release());
      this.#life = undefined;
    }
    if (this.#hold !== undefined) {
      this.#stop();
      this.#release();
    }
  }

  #wake(): void {
    if (!this.#isAsleep || this.#isOver) return;
    this.#isAsleep = false;
    this.#live();
    this.#listen();
    this.#seek();
  }

  /** Ends our engine, if we have one, as a crash would: the file is made for it. */
  #stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#leave();
  }

  /** Talks to no engine any more. */
  #leave(): void {
    this.#outbox.disconnect();
    this.#engine = undefined;
    if (this.#port === undefined) return;
    this.#port.onmessage = null;
    this.#port.close?.();
    this.#port = undefined;
  }

  #say(announcement: Announcement): void {
    if (!this.#isAsleep && !this.#isOver) this.#broadcast?.postMessage(announcement);
  }

  #fail(error: FerroliteError): void {
    if (error.code === "Evicted") eviction.forget(this.#name);
    this.channel.fail(error);
    void this.end().then(() => this.#settle.reject(error));
  }
}

function tooLate(): ErrorReport {
  const message =
    "this page was asleep for too long to know whether the call was carried out; look, and repeat it if need be";
  return { code: "Aborted", message };
}

function nobodyLeads(): FerroliteError {
  const message =
    "this worker cannot start the database's worker, and nobody else has it open; open it in a page, too";
  return new FerroliteError("Unsupported", message);
}
