/** `ferrolite/sync` as browsers see it: for a dedicated worker, where the engine runs in the same thread as its caller. */
import type { KeyMaterial } from "../arguments/encryption.js";
import { keyMaterial } from "../arguments/key-material.js";
import { loadEngine, onStop, scheduler } from "../worker/engine.js";
import { FerroliteError } from "../error.js";
import { Connection } from "../protocol/ferrolite.js";
import { assertName, assertOpenArguments } from "../arguments/options.js";
import { splitOptions } from "../arguments/storage-options.js";
import { Session } from "../protocol/session.js";
import { openedUnlessAborted } from "../arguments/signals.js";
import { list, remove } from "../storage/everywhere.js";
import { refreshed } from "../storage/facts.js";
import { placeOf } from "../storage/ladder.js";
import { explained } from "../worker/too-many-open.js";
import type { OpenOptions, StorageFacts } from "../types.js";
import { withKey } from "../api/with-key.js";
import { Channel } from "./channel.js";
import { SyncDatabase } from "./generated/database.js";

export * from "./exports.js";

/** An open database whose verbs return values. They are those of `SyncDatabase`. */
export class FerroliteSync extends SyncDatabase {
  private constructor(channel: Channel, storage: StorageFacts) {
    super(channel, storage, () => {}, refreshed);
  }

  /**
   * Opens a database, and makes it when it does not exist: in a dedicated worker of a browser, or in Node, with the names and
   * the options of `Ferrolite.open`. In browsers it is not shared: while it is open here, every other that opens it gets `Locked`,
   * and this one while it is open elsewhere. In Node it is shared with all openings of its thread.
   */
  static async open(name: string, options: OpenOptions = {}): Promise<FerroliteSync> {
    assertOpenArguments(name, options);
    const { encryption, signal, ...plainOptions } = options;
    const split = splitOptions(plainOptions, ["opfs"]);
    if (split.place.storage !== "memory") assertInWorker();
    return openedUnlessAborted(() => withKey(encryption, (material) => FerroliteSync.#open(name, split, material), keyMaterial), signal);
  }

  static async #open(
    name: string,
    { place: wish, engine }: ReturnType<typeof splitOptions>,
    encryption: KeyMaterial | undefined,
  ): Promise<FerroliteSync> {
    try {
      const [place] = await Promise.all([placeOf({ ...wish, name }), loadEngine(!isInWorker())]);
      const facts = await place.facts;
      if (facts.kind === "indexeddb") {
        const message = `FerroliteSync cannot wait until IndexedDB has stored something; use Ferrolite ("${name}" is in ${facts.reason})`;
        throw new FerroliteError("Unsupported", message);
      }
      const opened = Connection.open(place.host, place.file, engine, encryption?.terms, encryption?.secret);
      const stopped = new Promise<never>((_, reject) => onStop(reject));
      const connection = await Promise.race([opened, stopped]);
      const channel = new Channel();
      channel.connect(new Session(connection, scheduler(), (response) => channel.receive(response), Infinity));
      return new FerroliteSync(channel, facts);
    } catch (thrown) {
      throw explained(thrown);
    }
  }

  /** Deletes a database; whether there was one. `Locked` while it is open anywhere. */
  static async delete(name: string): Promise<boolean> {
    assertName(name);
    return remove(name);
  }

  /** The names of the databases here; in Node, of those in a directory. */
  static async list(_directory?: string): Promise<string[]> {
    return list();
  }
}

/** Files are opened for reading and writing at once in dedicated workers alone. */
function assertInWorker(): void {
  if (isInWorker()) return;
  const message = 'FerroliteSync works in a dedicated worker; in a page use Ferrolite, or pass storage: "memory"';
  throw new FerroliteError("Unsupported", message);
}

function isInWorker(): boolean {
  const { DedicatedWorkerGlobalScope: Scope } = globalThis as unknown as { DedicatedWorkerGlobalScope?: abstract new () => object };
  return Scope !== undefined && globalThis instanceof Scope;
}
