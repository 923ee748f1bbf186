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
import { Channel } from "../protocol/channel.js";
import { copyOf, type KeyMaterial, wipe } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { type DurableKind, type Request, type SessionRequest, type Sharing, TEXT_MAX } from "../protocol/protocol.js";
import type { PlainOptions } from "../arguments/options.js";
import type { StorageFacts } from "../types.js";
import * as eviction from "../storage/eviction.js";
import { clearTimeout, setTimeout } from "../protocol/timers.js";
import { broadcastPort } from "./broadcast-port.js";
import { tooLate } from "./failures.js";
import type { Keeper } from "./keeper.js";
import { failover } from "./load-failover.js";
import type { Kept } from "./kept-files.js";
import { letterKeys } from "./letterbox.js";
import { type Hold, lifeOf, nameOf, take } from "./locks.js";
import { canLead, type Member, OTHER_MS, type Started } from "./member.js";
import {
  type Announcement, announcementOf, type Answer, isEngineMessage, type EngineMessage, type Join, type Notice,
  type Port, PROTOCOL, randomId, type Welcome,
} from "./messages.js";
import { Outbox } from "./outbox.js";
import { isVisible } from "./page.js";

/** How long a client that cannot lead waits for one that can. */
const NOBODY_MS = 5000;
/** How long the first calls are left to themselves, before the broker is started. */
const BROKER_MS = 100;
/** How long they are, before the rest is loaded. */
const LOAD_MS = 300;
/** How long a client that could not start an engine leaves that to others: at first, and when it has failed over and over. */
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 10_000;

/** What a client needs to open the file, and to open it again for one that is gone. */
export interface Opening {
  readonly name: string;
  readonly file: string;
  readonly options: PlainOptions;
  /** Stays the caller's. */
  readonly encryption: KeyMaterial | undefined;
  /** Starts a worker, from kept files if they are given. */
  readonly startWorker: (kept?: Kept) => Started;
}

/** True if tabs can share here; where not, there is no file either that they could. */
export const canShare = () => typeof BroadcastChannel !== "undefined" && globalThis.navigator?.locks !== undefined;

export class Client implements Member {
  readonly channel: Channel;
  readonly id = randomId();
  readonly file: string;
  readonly #name: string;
  readonly readOnly: boolean;
  readonly #startWorker: (kept?: Kept) => Started;
  readonly outbox: Outbox;
  readonly #opened: Promise<StorageFacts>;
  #settle!: { resolve(facts: StorageFacts): void; reject(error: FerroliteError): void };
  /** The options of the database, once it is open. */
  #options: PlainOptions;
  encryption: KeyMaterial | undefined;
  /** Where the database should be. */
  #expected: DurableKind | undefined;
  life: Promise<Hold | undefined> | undefined;
  broadcast: BroadcastChannel | undefined;
  unwatch: (() => void) | undefined;
  queue: AbortController | undefined;
  hold: Hold | undefined;
  worker: Worker | undefined;
  engine: string | undefined;
  port: Port | undefined;
  candidate: string | undefined;
  /** The latest state of the file that an answer depended on, and the engine that sent the answer. */
  #seen: { readonly state: number; readonly engine: string | undefined } | undefined;
  isIn = false;
  triedChange: object | undefined;
  isAsleep = false;
  isOver = false;
  keeper: Keeper | undefined;
  /** Ends when this client may try to lead again. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #pauseMs = PAUSE_MS;
  other: ReturnType<typeof setTimeout> | undefined;
  /** Ends when this client gives up, because no client can lead. */
  #nobody: ReturnType<typeof setTimeout> | undefined;

  constructor({ name, file, options, encryption, startWorker }: Opening) {
    this.#name = name;
    this.file = file;
    this.#options = options;
    this.readOnly = options.readOnly === true;
    this.encryption = copyOf(encryption);
    this.#expected = eviction.expected(name);
    this.#startWorker = startWorker;
    this.outbox = new Outbox(() => this.channel.pump(), (id) => this.channel.receive({ id, error: tooLate() }));
    this.channel = new Channel((request) => this.outbox.push(request as SessionRequest), () => this.outbox.isFull, TEXT_MAX);
    this.#opened = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#opened.catch(() => {});
  }

  /** Opens the database, whoever leads; what is known of where it is. */
  async open(): Promise<StorageFacts> {
    this.begin();
    this.seek();
    return this.#opened;
  }

  /** Leads by a worker that is about to open the file, and does so when `serve` gives it what belongs to that. */
  async openBy(hold: Hold, worker: Worker, serve: (sharing: Sharing) => Promise<unknown>): Promise<StorageFacts> {
    this.hold = hold;
    this.begin();
    await this.#lead(worker, serve);
    return this.#opened;
  }

  /** The lock of the file was taken away. */
  readonly lost = (): void => {
    this.stop();
    this.hold = undefined;
    this.seek();
  };

  /** Lets go of everything. Returns once others can have it. */
  async end(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    this.stop();
    this.unwatch?.();
    this.keeper?.end();
    clearTimeout(this.#nobody);
    clearTimeout(this.#pause);
    clearTimeout(this.other);
    this.queue?.abort();
    this.broadcast?.close();
    wipe(this.encryption);
    await this.hold?.release();
    await (await this.life)?.release();
  }

  begin(): void {
    this.life ??= take(lifeOf(this.file, this.id)).catch((thrown: unknown) => {
      this.fail(FerroliteError.from(thrown, "Io"));
      return undefined;
    });
    this.broadcast = new BroadcastChannel(nameOf(this.file));
    this.broadcast.onmessage = ({ data }: MessageEvent<unknown>) => this.#heard(announcementOf(data));
  }

  seek(): void {
    if (this.isOver || this.isAsleep) return;
    this.#line();
    this.hello();
  }

  /** Waits for the lock of the file, and leads when it is there. */
  #line(): void {
    if (this.queue !== undefined || this.hold !== undefined || this.#pause !== undefined) return;
    const queue = (this.queue = new AbortController());
    // Who cannot lead only wants to know when nobody does.
    const mode = canLead() ? "exclusive" : "shared";
    const granted = (hold: Hold | undefined) => {
      if (queue.signal.aborted || hold === undefined) return hold?.release();
      this.queue = undefined;
      if (canLead()) return this.leadBy(hold);
      this.#nobody ??= setTimeout(() => failover().then((rest) => rest.failAlone(this), (error) => this.fail(error)), NOBODY_MS);
      return hold.release();
    };
    take(nameOf(this.file), { signal: queue.signal, mode }, this.lost).then(granted, () => {});
  }

  async leadBy(hold: Hold, kept?: Kept): Promise<void> {
    this.hold = hold;
    let started: Started;
    try {
      started = this.#startWorker(kept);
    } catch (thrown) {
      return this.#cannotStart(FerroliteError.from(thrown, "Io"), kept);
    }
    const { worker, channel } = started;
    await this.#lead(worker, async (sharing) => {
      const encryption = copyOf(this.encryption);
      try {
        await channel.request({ kind: "open", name: this.#name, options: this.#options, encryption, expected: this.#expected, sharing });
      } catch (thrown) {
        const error = FerroliteError.from(thrown, "Io");
        if (channel.isLoaded || !["Io", "TooManyOpen"].includes(error.code) || worker !== this.worker) throw error;
        await this.#cannotStart(error, kept);
      }
    });
  }

  /** The worker's files do not come, or its engine has no address space. It is tried once more with kept files; then others may lead. */
  async #cannotStart(error: FerroliteError, kept: Kept | undefined): Promise<void> {
    // One that was given a worker, and no function that makes one, has no second.
    if (!this.isIn || error.code === "InvalidOptions") return this.fail(error);
    this.stop();
    const hold = this.hold;
    if (hold === undefined) return;
    const found = kept === undefined ? await this.keeper?.kept() : undefined;
    if (this.isOver || this.hold !== hold) return;
    if (found !== undefined) return this.leadBy(hold, found);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.seek();
    }, this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
    this.release();
  }

  /** Starts an engine by `serve`, and is its first client. */
  async #lead(worker: Worker, serve: (sharing: Sharing) => Promise<unknown>): Promise<void> {
    this.leave();
    this.worker = worker;
    const engine = (this.engine = randomId());
    worker.addEventListener("message", ({ data }: MessageEvent<Notice>) => worker === this.worker && this.#noticed(worker, data));
    // Where another engine was others wait for this one, and the broker is there.
    if (this.isIn) this.#introduce(worker);
    try {
      await serve({ file: this.file, engine, client: this.id, isSuccessor: this.isIn });
      await this.life;
      if (worker !== this.worker) return;
      worker.addEventListener("error", () => void failover().then((rest) => rest.lookAfter(this, worker, engine), () => {}));
      this.join(worker);
      if (!this.isIn) setTimeout(() => this.#introduce(worker), BROKER_MS);
    } catch (thrown) {
      if (worker !== this.worker) return;
      const error = FerroliteError.from(thrown, "Io");
      const fail = () => this.fail(error);
      // The key may have been changed.
      if (this.isIn && error.code === "WrongKey") failover().then((rest) => rest.tryChangedKey(this, worker, error), fail);
      else fail();
    }
  }

  /** Gives an engine its port to the broker. Where there is none, the engine itself announces that it is there. */
  #introduce(worker: Worker): void {
    const introduce = (port: MessagePort | undefined) =>
      worker.postMessage({ kind: "broker", id: 0, port } satisfies Request, port === undefined ? [] : [port]);
    failover().then((rest) => introduce(rest.brokerPort()), () => introduce(undefined));
  }

  joining(): Join {
    return {
      kind: "join",
      version: PROTOCOL,
      client: this.id,
      readOnly: this.readOnly,
      options: this.isIn ? undefined : this.#options,
      // One that could not start an engine a moment ago is not to be given the file.
      canLead: canLead() && this.#pause === undefined,
      isVisible: isVisible(),
      nonce: undefined,
    };
  }

  join(port: Port, message: Join | Answer = this.joining()): void {
    this.port = port;
    port.onmessage = ({ data }: MessageEvent<unknown>) => isEngineMessage(data) && this.#take(port, data);
    port.postMessage(message, []);
  }

  /** Takes what the engine sends. */
  #take(port: Port, message: EngineMessage): void {
    if (!("kind" in message)) {
      if (message.written !== undefined) this.#seen = { state: message.written, engine: this.engine };
      this.channel.receive(message);
      if ("fatal" in message && message.fatal.code === "Evicted") eviction.forget(this.#name);
      if ("fatal" in message) void this.end();
      else if ("id" in message) this.outbox.answered(message.id);
    } else if (message.kind === "welcome") {
      if (this.#isLost(message.openedAt)) {
        this.stop();
        return void failover().then((rest) => rest.failLost(this), (error) => this.fail(error));
      }
      clearTimeout(this.#nobody);
      this.#nobody = undefined;
      this.#options = { ...message.options, readOnly: this.readOnly, create: false };
      if (this.isIn) this.channel.renew();
      this.isIn = true;
      // Who finds it nowhere, later on, reports that.
      this.#expected = eviction.remember(this.#name, message.facts.kind) ?? this.#expected;
      if (port === this.worker) this.#pauseMs = PAUSE_MS;
      // Who cannot lead waits again for the day when nobody does.
      this.#line();
      void this.#connect(port, message);
    } else if (message.kind === "delivered") {
      this.keeper?.delivered(message.keys);
    } else if (message.kind === "refused") {
      this.fail(FerroliteError.from(message.error, "Internal"));
    } else if (message.kind === "rekeyed") {
      wipe(this.encryption);
      this.encryption = message.encryption;
    } else if (message.kind === "takeOver") {
      failover().then((rest) => port === this.port && rest.takeOver(this), () => {});
    }
  }

  /** From now on the engine is sent to: the letters first that wait for it. */
  async #connect(port: Port, welcome: Welcome): Promise<void> {
    // Without the script everything else works. Each engine is a reason to try again.
    const keep = () => failover().then((rest) => rest.keep(this, port, welcome), () => {});
    if (this.keeper !== undefined || (!this.readOnly && letterKeys(this.file).length > 0)) await keep();
    else setTimeout(keep, LOAD_MS);
    if (port !== this.port) return;
    this.outbox.connect(port);
    this.#settle.resolve(welcome.facts);
  }

  /** True if another engine found an older state of the file than this client has seen. */
  #isLost(openedAt: number | undefined): boolean {
    const seen = this.#seen;
    return seen !== undefined && openedAt !== undefined && seen.engine !== this.engine && openedAt < seen.state;
  }

  #noticed(worker: Worker, notice: Notice): void {
    if (notice.kind !== "stopped" && notice.kind !== "handedOver") return;
    const missing = (error: FerroliteError) => notice.kind === "stopped" && this.fail(error);
    failover().then((rest) => worker === this.worker && rest.noticed(this, notice), missing);
  }

  #heard(announcement: Announcement | undefined): void {
    if (announcement?.kind !== "leads" || this.worker !== undefined || this.isAsleep) return;
    const { version, engine } = announcement;
    if (version !== PROTOCOL) return void failover().then((rest) => rest.heardOther(this, version), () => {});
    if (engine === this.engine || engine === this.candidate) return;
    this.candidate = engine;
    const missing = (error: FerroliteError) => {
      if (canLead()) setTimeout(() => this.notThere(engine), OTHER_MS);
      // A service worker cannot import scripts later. Of a plain database it needs none to join.
      else if (this.encryption === undefined) {
        void broadcastPort(engine, this.broadcast as BroadcastChannel).then((port) => this.reached(engine, port));
      }
      else this.fail(error);
    };
    failover().then((rest) => rest.follow(this, engine), missing);
  }

  async reached(engine: string, port: Port | undefined): Promise<void> {
    await this.life;
    if (this.candidate !== engine) return port?.close?.();
    if (port === undefined) return this.notThere(engine);
    this.leave();
    this.engine = engine;
    this.join(port);
  }

  /** The candidate of this name cannot be reached: it has ended, or is very busy, or there is none of this name. */
  notThere(engine: string): void {
    if (this.candidate !== engine) return;
    this.candidate = undefined;
    this.hello();
  }

  /** Gives the lock back, and follows whoever gets it. */
  release(): void {
    const hold = this.hold;
    this.hold = undefined;
    void hold?.release().then(() => this.seek());
  }

  /** Ends our engine, if we have one, as a crash would: the file is made for it. */
  stop(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.leave();
  }

  /** Talks to no engine any more. */
  leave(): void {
    this.outbox.disconnect();
    this.engine = undefined;
    this.candidate = undefined;
    if (this.port === undefined) return;
    this.port.onmessage = null;
    this.port.close?.();
    this.port = undefined;
  }

  hello(): void {
    if (!this.isAsleep && !this.isOver) this.broadcast?.postMessage({ kind: "hello", version: PROTOCOL } satisfies Announcement);
  }

  fail(error: FerroliteError): void {
    if (error.code === "Evicted") eviction.forget(this.#name);
    this.channel.fail(error);
    void this.end().then(() => this.#settle.reject(error));
  }
}
