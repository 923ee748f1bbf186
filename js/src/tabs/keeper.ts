/** What a client has at hand for the day when the network, the leader or its own page is gone. */
import { keep, type Kept, keptOf } from "./kept-files.js";
import { Letters } from "./letters.js";
import type { EngineFiles, Port } from "./messages.js";
import type { Outbox } from "./outbox.js";
import { Saving } from "./saving.js";

export class Keeper {
  /** None of a client that only reads. */
  readonly #letters: Letters | undefined;
  /** `Connection.letterTerms` of the engine. */
  #terms: Uint8Array | undefined;
  /** The addresses of the engine's files, as the last engine knew them. */
  #files: EngineFiles | undefined;
  #port: Port | undefined;
  /** Exists once the page has gone away. */
  #saving: Saving | undefined;
  #isOver = false;

  constructor(file: string, client: string, canWrite: boolean) {
    this.#letters = canWrite ? new Letters(file, client) : undefined;
    this.#letters?.listen(() => this.#hand());
  }

  /** An engine has let the client in. It is handed the letters that wait, and its files are kept. */
  welcomed(port: Port, terms: Uint8Array, files: EngineFiles | undefined): void {
    if (this.#files === undefined && files !== undefined) keep(files);
    this.#port = port;
    this.#terms = terms;
    this.#files = files ?? this.#files;
    this.#letters?.forget();
    this.#hand();
  }

  /** The engine has carried out the letters with these keys. */
  delivered(keys: readonly string[]): void {
    this.#letters?.delivered(keys);
  }

  /** The page goes away: what is not answered by its end is left in a letter. */
  leave(outbox: Outbox): void {
    const letters = this.#letters;
    if (letters === undefined || this.#terms === undefined) return;
    letters.setTerms(this.#terms);
    this.#saving ??= new Saving((requests) => letters.write(requests));
    outbox.saver = this.#saving;
    this.#saving.leave(outbox);
  }

  /** The page is back. */
  comeBack(outbox: Outbox): void {
    this.#saving?.comeBack(outbox);
  }

  /** What an engine can be started from without the network. */
  async kept(): Promise<Kept | undefined> {
    return this.#files && keptOf(this.#files).catch(() => undefined);
  }

  end(): void {
    this.#isOver = true;
    this.#terms?.fill(0);
    this.#letters?.end();
  }

  /** Hands over what pages have left that are gone. */
  #hand(): void {
    if (this.#letters === undefined || this.#terms === undefined || this.#isOver) return;
    this.#letters.setTerms(this.#terms);
    const letters = this.#letters.read();
    if (letters.length > 0) this.#port?.postMessage({ kind: "letters", letters }, []);
  }
}
