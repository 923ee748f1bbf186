/** The engine of a file that several clients have open: lets them in, and hands the file over when another should lead. */
import { copyOf, type KeyMaterial, wipe } from "../arguments/encryption.js";
import { type ErrorCode, FerroliteError } from "../error.js";
import { ERROR, type Response, type SessionRequest, type Sharing } from "../protocol/protocol.js";
import type { PlainOptions } from "../arguments/options.js";
import type { StorageFacts } from "../types.js";
import { bareResultsOf } from "../protocol/results.js";
import type { Session } from "../protocol/session.js";
import { clearTimeout, setTimeout } from "../protocol/timers.js";
import type { BrokerMessage } from "./broker.js";
import { lifeOf, nameOf } from "./locks.js";
import {
  type Announcement, announcementOf, type Answer, type ClientMessage, type EngineFiles, type EngineMessage, idBytes, type Join, type Letter, type Notice,
  isClientMessage, type Port, PROTOCOL, randomId,
} from "./messages.js";
import { type Agreed, isProof, keyOf, proofOf, sealed, unsealed } from "./proof.js";

/** How long a page that leads may be hidden while another could be seen. */
const HIDDEN_MS = 1000;
/** How long the broker may take to know of us before the others are told to ask it. */
const BROKER_MS = 300;
/** Of letter terms: the time up to which receipts may have been dropped, behind the file's id. */
const HORIZON_AT = 16;

/** Errors that are about the database, not about a call. */
const LATER: readonly ErrorCode[] = ["Failed", "Io", "Locked", "StorageFull", "ReadOnly"];

type Post = (response: Response, transfer: ArrayBuffer[]) => void;

/** A client that has joined, by what it has said of itself. */
interface Guest extends Omit<Join, "isVisible"> {
  isVisible: boolean | undefined;
  /** Its number in the session. */
  readonly number: number;
  readonly port: Port;
  /** Sends it responses. */
  readonly reply: Post;
  /** Ends waiting for its end. */
  readonly over: AbortController;
  /** Seals the secrets that go to it and come from it; missing where it has nothing to prove. */
  readonly agreed: Agreed | undefined;
  /** The last message by which it has changed the key. */
  changedBy: number;
}

/** What the engine is open with. */
export interface Served {
  readonly session: Session;
  readonly facts: StorageFacts;
  /** Makes of what sends an answer what sends it when all is stored that it tells of. */
  readonly ordered: (post: Post) => Post;
  /** Checks soon whether the database still exists. */
  readonly look: () => void;
  /** The state of the file when it was opened, where answers have the number of a state. */
  readonly openedAt: number | undefined;
  /** `Connection.letterTerms`. */
  readonly letterTerms: () => Uint8Array<ArrayBuffer>;
  readonly files: EngineFiles | undefined;
  readonly options: PlainOptions;
  /** Copied. */
  readonly encryption: KeyMaterial | undefined;
  /** Throws unless this opens the database. */
  readonly prove: (material: KeyMaterial | undefined) => void;
  /** Throws unless these could be the options of a database. */
  readonly check: (options: PlainOptions) => Promise<void>;
  /** By which the client talks that has started it. */
  readonly port: Port;
  /** Tells the client that has started it. */
  readonly tell: (notice: Notice) => void;
}

/** Says to the broker which engine this is. Resolves when it knows. */
function introduced(broker: MessagePort, { file, engine }: Sharing): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(resolve, BROKER_MS);
    broker.addEventListener("message", resolve);
    broker.start();
    broker.postMessage({ kind: "engine", file, engine } satisfies BrokerMessage);
  });
}

export class Engine {
  readonly #sharing: Sharing;
  readonly #served: Served;
  readonly #guests = new Map<string, Guest>();
  /** Clients whose letters have come: what they have sent may come twice. */
  readonly #lettered = new Set<string>();
  readonly #broadcast: BroadcastChannel;
  /** What opens the database. */
  #encryption: KeyMaterial | undefined;
  /** The key of its proofs, once it is needed. */
  #key: Promise<CryptoKey> | undefined;
  /** Numbers the `rekeyed` messages. */
  #changes = 0;
  /** Resolves when they were told. */
  #told: Promise<unknown> = Promise.resolve();
  #hidden: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;
  #endLife!: () => void;
  readonly #over = new Promise<void>((resolve) => (this.#endLife = resolve));

  constructor(sharing: Sharing, served: Served) {
    this.#sharing = sharing;
    this.#served = served;
    this.#encryption = copyOf(served.encryption);
    this.#broadcast = new BroadcastChannel(nameOf(sharing.file));
    // Whoever gets this lock knows that the worker is gone.
    void navigator.locks.request(lifeOf(sharing.file, sharing.engine), () => this.#over);
    served.session.onStop = (error, number) => {
      const own = this.#guests.get(sharing.client)?.number;
      this.#end();
      served.tell({ kind: "stopped", error, isOwn: number === undefined || number === own });
    };
  }

  /** Lets the client in that has started it; and the others, once the broker is there, or is known to be none. */
  async start(broker: Promise<MessagePort | undefined>): Promise<void> {
    this.#accept(this.#served.port);
    const port = await broker;
    if (port !== undefined) {
      port.addEventListener("message", ({ ports: [client] }) => client && this.#accept(client));
      await introduced(port, this.#sharing);
    }
    this.#broadcast.onmessage = ({ data }: MessageEvent<unknown>) => {
      const heard = announcementOf(data);
      if (heard?.kind === "hello") this.#announce();
      else if (heard?.kind === "connect" && heard.engine === this.#sharing.engine) this.#accept(new BroadcastChannel(heard.channel));
    };
    this.#announce();
  }

  #announce(): void {
    const announcement: Announcement = { kind: "leads", version: PROTOCOL, engine: this.#sharing.engine };
    if (!this.#isOver) this.#broadcast.postMessage(announcement);
  }

  #accept(port: Port): void {
    if (this.#isOver) return port.close?.();
    let guest: Guest | undefined;
    port.onmessage = async ({ data }: MessageEvent<unknown>) => {
      if (this.#isOver || !isClientMessage(data)) return;
      if (data.kind === "join") guest ??= await this.#join(port, data);
      else if (guest !== undefined) this.#handle(guest, data);
    };
    say(port, { kind: "ready" });
  }

  async #join(port: Port, join: Join): Promise<Guest | undefined> {
    const { session, facts, options, check, openedAt, letterTerms, files, prove, port: own } = this.#served;
    const encryption = this.#encryption;
    const { client, readOnly, nonce } = join;
    try {
      let agreed: Agreed | undefined;
      // Nobody else talks by the worker's own port.
      if (port !== own) {
        if (encryption !== undefined && nonce !== undefined) agreed = await this.#agree(port, join, encryption);
        else prove(nonce === undefined ? undefined : { terms: { by: "passphrase" }, secret: Uint8Array.of(1) });
      }
      if (join.options !== undefined && JSON.stringify(join.options) !== JSON.stringify(options)) await check(join.options);
      const terms = await sealed(agreed, ["letters"], letterTerms());
      if (this.#isOver) return undefined;
      if (options.readOnly === true && !readOnly) {
        if (!join.canLead) {
          throw new FerroliteError("Locked", "it is open in another tab, for reading only; open it there for writing");
        }
        void this.#handOver(port);
        return undefined;
      }
      this.#leave(this.#guests.get(client));
      const reply = this.#served.ordered((response, transfer) => port.postMessage(response, transfer));
      const number = session.join(idBytes(client), readOnly, reply);
      const guest: Guest = { ...join, number, port, reply, over: new AbortController(), agreed, changedBy: 0 };
      this.#guests.set(client, guest);
      const gone = () => this.#leave(guest);
      navigator.locks.request(lifeOf(this.#sharing.file, client), { signal: guest.over.signal }, gone).catch(() => {});
      say(port, { kind: "welcome", facts, options, openedAt, letterTerms: terms, files });
      // The key has changed since the client came.
      if (encryption !== this.#encryption) this.#tellKey(guest);
      this.#consider();
      return guest;
    } catch (thrown) {
      say(port, { kind: "refused", error: FerroliteError.from(thrown, "Internal").report() });
      port.close?.();
      return undefined;
    }
  }

  /** Proves to a client that this engine knows the secret, and waits until the client has proven the same. */
  async #agree(port: Port, join: Join, encryption: KeyMaterial): Promise<Agreed> {
    const { file, engine } = this.#sharing;
    const salt = this.#served.letterTerms().slice(0, HORIZON_AT);
    const nonce = randomId();
    const agreed = { key: await (this.#key ??= keyOf(encryption, salt)), said: [file, engine, join, nonce] };
    const proof = await proofOf(agreed, "engine");
    const take = port.onmessage;
    await new Promise<void>((resolve) => {
      // Until then everything else is foreign, and is ignored.
      port.onmessage = async ({ data }: MessageEvent<Partial<Answer> | null>) => {
        if (data?.proof instanceof ArrayBuffer && (await isProof(agreed, "client", data.proof))) resolve();
      };
      say(port, { kind: "challenge", nonce, salt, proof });
    });
    port.onmessage = take;
    return agreed;
  }

  #handle(guest: Guest, message: Exclude<ClientMessage, Join>): void {
    if (message.kind === "visible") {
      guest.isVisible = message.isVisible;
      if (message.isVisible === true) this.#served.look();
      this.#consider();
    } else if (message.kind === "letters") {
      this.#deliver(guest, message.letters);
    } else if (message.kind === "close") {
      if (guest.client === this.#sharing.client) return void this.#close(guest, message.id);
      this.#served.session.handle(message, guest.number);
      this.#whenStored(() => this.#leave(guest));
    } else if (message.kind === "changeKey") {
      // A secret that the client has not sealed is foreign, and is ignored.
      this.#changeKey(guest, message).catch(() => {});
    } else {
      const isRepeated = this.#lettered.has(guest.client);
      this.#served.session.handle(isRepeated ? { ...message, repeated: true } : message, guest.number);
    }
  }

  /** Carries out letters, each in the name of the client that left it. */
  #deliver(guest: Guest, letters: readonly Letter[]): void {
    const { options, letterTerms } = this.#served;
    if (options.readOnly === true || guest.readOnly) return;
    const terms = letterTerms();
    const horizonMs = Number(new DataView(terms.buffer, terms.byteOffset).getBigUint64(HORIZON_AT, true));
    // Without its receipts nobody knows whether a letter was carried out.
    const isSure = ({ sentMs }: Letter) => sentMs > horizonMs;
    const keys = letters.filter((letter) => !isSure(letter) || this.#carryOut(letter)).map(({ key }) => key);
    this.#whenStored(() => say(guest.port, { kind: "delivered", keys }));
  }

  /** Carries out a letter; false if it should be tried again later. */
  #carryOut({ client, calls }: Letter): boolean {
    const { session } = this.#served;
    this.#lettered.add(client);
    let isDone = true;
    const number = session.join(idBytes(client), false, (response) => {
      const results = "answer" in response ? bareResultsOf(response.answer) : [];
      const isRefused = results.some((result) => result[0] === ERROR && LATER.includes(result[1].code));
      isDone &&= "answer" in response && !isRefused;
    });
    for (const message of calls) session.handle({ ...message, repeated: true }, number);
    session.leave(number);
    return isDone;
  }

  async #changeKey(guest: Guest, request: SessionRequest & { kind: "changeKey" }): Promise<void> {
    const { id, encryption } = request;
    const { terms } = encryption;
    const secret = await unsealed(guest.agreed, ["changeKey", id, terms], encryption.secret);
    // One that comes again is foreign, too.
    if (this.#isOver || id <= guest.changedBy) return;
    guest.changedBy = id;
    const changed = { terms, secret: secret.slice() };
    try {
      this.#served.session.handle({ ...request, encryption: { terms, secret } }, guest.number);
      // It opens the database if it was changed.
      this.#served.prove(changed);
    } catch {
      return wipe(changed);
    }
    wipe(this.#encryption);
    this.#encryption = changed;
    this.#key = undefined;
    for (const other of this.#guests.values()) this.#tellKey(other);
  }

  /** Gives a client the secret that opens the database from now on. */
  #tellKey({ agreed, port }: Guest): void {
    const number = ++this.#changes;
    const { terms, secret } = this.#encryption as KeyMaterial;
    const tell = (sent: Uint8Array<ArrayBuffer>) => say(port, { kind: "rekeyed", number, encryption: { terms, secret: sent } });
    const told = sealed(agreed, ["rekeyed", number, terms], secret).then(tell);
    this.#told = Promise.allSettled([this.#told, told]);
  }

  /** The client that has started us closes: the file with it. */
  async #close(guest: Guest, id: number): Promise<void> {
    this.#end();
    await this.#told;
    try {
      this.#served.session.close();
      guest.reply({ id, value: undefined }, []);
    } catch (thrown) {
      guest.reply({ id, error: FerroliteError.from(thrown, "Internal").report() }, []);
    }
  }

  #leave(guest: Guest | undefined): void {
    if (guest === undefined || this.#isOver) return;
    if (this.#guests.get(guest.client) === guest) this.#guests.delete(guest.client);
    guest.over.abort();
    guest.port.close?.();
    this.#served.session.leave(guest.number);
    this.#consider();
  }

  /** A page that is hidden gets little time: another that can be seen should lead. */
  #consider(): void {
    clearTimeout(this.#hidden);
    if (this.#guests.get(this.#sharing.client)?.isVisible !== false) return;
    const next = [...this.#guests.values()].find(({ isVisible, canLead }) => isVisible === true && canLead);
    if (next !== undefined) this.#hidden = setTimeout(() => void this.#handOver(next.port), HIDDEN_MS);
  }

  /** Closes the file, and lets the client at this port open it. What was not answered is sent to that one. */
  async #handOver(port: Port): Promise<void> {
    this.#end();
    await this.#told;
    try {
      this.#served.session.close();
    } catch {
      // Nothing is lost by that which was acknowledged.
    }
    this.#whenStored(() => {
      say(port, { kind: "takeOver" });
      this.#served.tell({ kind: "handedOver" });
    });
  }

  /** Does `work` when all is stored that was written up to now, and all is sent that waited for that. */
  #whenStored(work: () => void): void {
    this.#served.ordered((response) => !("fatal" in response) && work())({ id: 0, value: undefined }, []);
  }

  #end(): void {
    this.#isOver = true;
    this.#endLife();
    clearTimeout(this.#hidden);
    this.#broadcast.close();
    for (const { over } of this.#guests.values()) over.abort();
    wipe(this.#encryption);
  }
}

function say(port: Port, message: EngineMessage): void {
  port.postMessage(message, []);
}
