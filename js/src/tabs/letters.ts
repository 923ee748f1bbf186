/**
 * Letters. A page that goes away with messages unanswered leaves them in localStorage, as one letter of its client; a page that
 * has the file open hands letters to the engine. Receipts see to it that each message is carried out once, however often and by
 * whatever way it comes. In an encrypted database a letter is sealed by a key that only the open database gives.
 */
import type { SessionRequest } from "../protocol/protocol.js";
import { Date } from "../protocol/timers.js";
import { letterKey, letterKeys } from "./letterbox.js";
import { tryStorage } from "../storage/local-storage.js";
import type { Letter } from "./messages.js";
import { NONCE_BYTES, seal, unseal } from "./seal.js";

/** Characters of a letter. Browsers give a site five million, which the application needs itself. */
const LETTER_MAX = 1 << 20;
const FILE_ID_BYTES = 16;
const HORIZON_BYTES = 8;

/** A message of calls. */
type Calls = Extract<SessionRequest, { kind: "calls" }>;

/** A letter as it is stored. One that is sealed has a nonce, and `text` is bytes as base64. */
interface Stored {
  /** The id of the database file: a later one of the same name is another. */
  readonly file: string;
  readonly sentMs: number;
  readonly nonce?: string;
  readonly text: string;
}

export class Letters {
  readonly #file: string;
  readonly #key: string;
  /** The file's id, and the key of letters; as the engine says. */
  #id = "";
  #secret = new Uint8Array();
  /** Letters that the engine has, until it has carried them out. */
  readonly #over = new AbortController();
  readonly #handed = new Map<string, string>();

  constructor(file: string, client: string) {
    this.#file = file;
    this.#key = letterKey(file, client);
  }

  /** Takes what the engine says of its file. */
  setTerms(terms: Uint8Array): void {
    this.#id = toBase64(terms.subarray(0, FILE_ID_BYTES));
    this.#secret = terms.slice(FILE_ID_BYTES + HORIZON_BYTES);
  }

  /** Stores what is not answered, in place of the letter before. Messages that do not fit are left out, the last ones. */
  write(requests: readonly SessionRequest[]): void {
    const messages: (readonly [id: number, message: string, isBytes: 0 | 1])[] = [];
    let characters = 0;
    for (const request of requests) {
      // The secret of a new key is not written down; the others only read.
      if (request.kind !== "calls") continue;
      const { id, message } = request;
      const text = typeof message === "string" ? message : toBase64(message);
      characters += text.length;
      if (characters > LETTER_MAX) break;
      messages.push([id, text, typeof message === "string" ? 0 : 1]);
    }
    if (messages.length === 0) return void tryStorage((storage) => storage.removeItem(this.#key));
    const letter = this.#stored(Date.now(), JSON.stringify(messages));
    tryStorage((storage) => storage.setItem(this.#key, JSON.stringify(letter)));
  }

  /** The letters of others that are here and were not handed over. What cannot be read is for no file that there is. */
  read(): Letter[] {
    const letters: Letter[] = [];
    for (const key of letterKeys(this.#file)) {
      const value = tryStorage((storage) => storage.getItem(key));
      if (key === this.#key || typeof value !== "string" || this.#handed.get(key) === value) continue;
      const letter = this.#opened(key, value);
      if (letter === undefined) tryStorage((storage) => storage.removeItem(key));
      else {
        this.#handed.set(key, value);
        letters.push(letter);
      }
    }
    return letters;
  }

  /** The engine has carried these letters out. One that has grown meanwhile stays. */
  delivered(keys: readonly string[]): void {
    for (const key of keys) {
      tryStorage((storage) => storage.getItem(key) === this.#handed.get(key) && storage.removeItem(key));
      this.#handed.delete(key);
    }
  }

  /** Calls `found` when a page of this site leaves a letter to the file. */
  listen(found: () => void): void {
    const prefix = letterKey(this.#file, "");
    const listener = ({ key, newValue }: StorageEvent) => newValue !== null && key?.startsWith(prefix) === true && found();
    addEventListener("storage", listener, { signal: this.#over.signal });
  }

  /** Ends all of that. What was not answered is the caller's own affair by now. */
  end(): void {
    this.#over.abort();
  }

  /** Another engine knows nothing of what was handed over. */
  forget(): void {
    this.#handed.clear();
  }

  #stored(sentMs: number, text: string): Stored {
    if (this.#secret.length === 0) return { file: this.#id, sentMs, text };
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = seal(this.#secret, nonce, new TextEncoder().encode(text), about(this.#key, sentMs));
    return { file: this.#id, sentMs, nonce: toBase64(nonce), text: toBase64(sealed) };
  }

  #opened(key: string, value: string): Letter | undefined {
    try {
      const { file, sentMs, nonce, text } = JSON.parse(value) as Stored;
      if (file !== this.#id || (nonce === undefined) !== (this.#secret.length === 0)) return undefined;
      const bytes = nonce === undefined ? undefined : unseal(this.#secret, fromBase64(nonce), fromBase64(text), about(key, sentMs));
      if (nonce !== undefined && bytes === undefined) return undefined;
      const messages = JSON.parse(bytes === undefined ? text : new TextDecoder().decode(bytes)) as [number, string, 0 | 1][];
      const calls = messages.map(
        ([id, message, isBytes]): Calls => ({ kind: "calls", id, message: isBytes === 1 ? fromBase64(message) : message }),
      );
      return { key, client: key.slice(key.lastIndexOf("/") + 1), sentMs, calls };
    } catch {
      return undefined;
    }
  }
}

/** What a seal proves besides the text: whose letter it is, to which file, and when it was sent. */
function about(key: string, sentMs: number): Uint8Array {
  return new TextEncoder().encode(`${key} ${sentMs}`);
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x1000) text += String.fromCharCode(...bytes.subarray(at, at + 0x1000));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
