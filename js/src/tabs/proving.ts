/**
 * The client's end of a join to the engine of an encrypted database: nothing but a nonce is sent before the engine has proven that
 * it knows the secret (`proof.ts`). Behind the proof, a port that seals and opens the secrets that travel.
 */
import { copyOf, type KeyMaterial, wipe } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { clearTimeout, setTimeout } from "../protocol/timers.js";
import {
  type Answer, type Challenge, type ClientMessage, type EngineMessage, isEngineMessage, type Join, type Port, randomId,
} from "./messages.js";
import { type Agreed, isProof, keyOf, proofOf, sealed, unsealed } from "./proof.js";

/** How long an engine may take to answer: the first time it computes its key from a passphrase. */
const ANSWER_MS = 10_000;

/** An engine that has proven that it knows the secret. */
export interface Proven {
  readonly port: Port;
  /** The client's own proof, which the engine waits for. */
  readonly answer: Answer;
  /** The secret that both know. */
  readonly material: KeyMaterial;
}

/** A join, and the secrets that the client knows: more than one while it changes the key. */
export interface Joining {
  readonly file: string;
  readonly engine: string;
  readonly join: Join;
  readonly materials: readonly KeyMaterial[];
}

type Refused = Extract<EngineMessage, { kind: "refused" }>;

/** Asks an engine for its proof. Returns an error if it refuses or its proof is wrong, and `undefined` if it does not answer. */
export async function proven(port: Port, { file, engine, join, materials }: Joining): Promise<Proven | FerroliteError | undefined> {
  const asked = { ...join, nonce: randomId() };
  const answer = await answerOf(port, asked);
  if (answer === undefined) return undefined;
  if (answer.kind === "refused") return FerroliteError.from(answer.error, "Internal");
  for (const material of materials) {
    const agreed = { key: await knownKeyOf(material, answer.salt), said: [file, engine, asked, answer.nonce] };
    if (!(await isProof(agreed, "engine", answer.proof))) continue;
    const proof = await proofOf(agreed, "client");
    return { port: new ProvenPort(port, agreed), answer: { kind: "prove", proof }, material };
  }
  return new FerroliteError("WrongKey", "the key or passphrase is not that of this database");
}

function answerOf(port: Port, join: Join): Promise<Challenge | Refused | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
    port.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (!isAnswer(data)) return;
      clearTimeout(timer);
      resolve(data);
    };
    port.postMessage(join, []);
  });
}

/** True for what an engine answers to a join. Everything else is foreign before the proof. */
function isAnswer(data: unknown): data is Challenge | Refused {
  if (!isEngineMessage(data) || !("kind" in data)) return false;
  if (data.kind === "refused") return typeof data.error === "object" && data.error !== null;
  const { kind, nonce, salt, proof } = data as Partial<Challenge>;
  return kind === "challenge" && typeof nonce === "string" && salt instanceof Uint8Array && proof instanceof ArrayBuffer;
}

/** The last key of each secret: all engines of a file have one salt, and computing it again takes long. */
const known = new WeakMap<KeyMaterial, { readonly salt: string; readonly key: Promise<CryptoKey> }>();

function knownKeyOf(material: KeyMaterial, salt: Challenge["salt"]): Promise<CryptoKey> {
  const found = known.get(material);
  if (found?.salt === salt.join()) return found.key;
  const key = keyOf(material, salt);
  known.set(material, { salt: salt.join(), key });
  return key;
}

/** A port to an engine that has proven itself. Messages stay in their order. */
class ProvenPort implements Port {
  onmessage: Port["onmessage"] = null;
  readonly #port: Port;
  readonly #agreed: Agreed;
  /** The number of the last `rekeyed`. An older one is foreign. */
  #number = 0;
  /** A change of the key that was not answered. */
  #change: { readonly id: number; readonly material: KeyMaterial | undefined } | undefined;
  /** Messages that wait for this answer. */
  #waiting: (ClientMessage | Answer | EngineMessage)[] = [];
  /** Messages of the engine that are being opened, or come behind such. */
  #opening = 0;
  #opened: Promise<void> = Promise.resolve();

  constructor(port: Port, agreed: Agreed) {
    this.#port = port;
    this.#agreed = agreed;
    port.onmessage = ({ data }: MessageEvent<unknown>) => isEngineMessage(data) && this.#receive(data);
  }

  postMessage(message: ClientMessage | Answer | EngineMessage, transfer: Transferable[]): void {
    if (this.#change !== undefined) this.#waiting.push(message);
    else if ("kind" in message && message.kind === "changeKey") void this.#changeKey(message);
    else this.#port.postMessage(message, transfer);
  }

  close(): void {
    this.#port.onmessage = null;
    this.#port.close?.();
    wipe(this.#change?.material);
    this.#waiting = [];
  }

  async #changeKey(message: Extract<ClientMessage, { kind: "changeKey" }>): Promise<void> {
    const { id, encryption } = message;
    const { terms } = encryption;
    this.#change = { id, material: copyOf(encryption) };
    const secret = await sealed(this.#agreed, ["changeKey", id, terms], encryption.secret);
    if (this.#port.onmessage !== null) this.#port.postMessage({ ...message, encryption: { terms, secret } }, []);
  }

  #receive(message: EngineMessage): void {
    if (this.#opening === 0 && !isSealed(message)) return this.#take(message);
    this.#opening++;
    this.#opened = this.#opened.then(async () => {
      // A message that cannot be opened is foreign.
      const opened = await this.#open(message).catch(() => undefined);
      this.#opening--;
      if (opened !== undefined) this.#take(opened);
    });
  }

  async #open(message: EngineMessage): Promise<EngineMessage | undefined> {
    if (!isSealed(message)) return message;
    if (message.kind === "welcome") return { ...message, letterTerms: await unsealed(this.#agreed, ["letters"], message.letterTerms) };
    const { number, encryption } = message;
    const { terms } = encryption;
    const secret = await unsealed(this.#agreed, ["rekeyed", number, terms], encryption.secret);
    if (number <= this.#number) return undefined;
    this.#number = number;
    return { ...message, encryption: { terms, secret } };
  }

  #take(message: EngineMessage): void {
    const change = this.#change;
    if (change === undefined || !("id" in message) || message.id !== change.id) return this.#give(message);
    const { material } = change;
    // Messages wait until this one was given.
    this.#change = { id: change.id, material: undefined };
    // Should the engine end before it has told everybody, this client knows the key that it has asked for.
    if ("value" in message) this.#give({ kind: "rekeyed", number: this.#number, encryption: material as KeyMaterial });
    else wipe(material);
    this.#give(message);
    this.#change = undefined;
    for (const waiting of this.#waiting.splice(0)) this.postMessage(waiting, []);
  }

  #give(message: EngineMessage): void {
    this.onmessage?.({ data: message } as MessageEvent);
  }
}

const isSealed = (message: EngineMessage) => "kind" in message && (message.kind === "welcome" || message.kind === "rekeyed");
