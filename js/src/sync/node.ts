/** `ferrolite/sync` as Node, Bun and Deno see it. */
import { type KeyMaterial, withKey } from "../encryption.js";
import { FerroliteError } from "../error.js";
import { Connection } from "../ferrolite.js";
import { loadEngine, scheduler } from "../node-engine.js";
import { databasePath, fileFacts, list, NodeHost, remove } from "../node-files.js";
import { assertName, assertOpenArguments } from "../options.js";
import { memoryFacts, splitOptions } from "../storage-options.js";
import { Session } from "../session.js";
import { openedUnlessAborted } from "../signals.js";
import type { OpenOptions, StorageFacts } from "../types.js";
import { Channel } from "./channel.js";
import { SyncDatabase } from "./database.js";

export * from "./exports.js";

/** An open database; the documentation is at the browser's class in `index.ts`, which has the same shape. */
export class FerroliteSync extends SyncDatabase {
  private constructor(channel: Channel, storage: StorageFacts) {
    super(channel, storage, () => {}, async (facts) => facts);
  }

  static async open(name: string, options: OpenOptions = {}): Promise<FerroliteSync> {
    assertOpenArguments(name, options);
    const { encryption, signal, ...plainOptions } = options;
    const split = splitOptions(plainOptions, ["file"]);
    return openedUnlessAborted(() => withKey(encryption, (material) => FerroliteSync.#open(databasePath(name), split, material)), signal);
  }

  static async #open(
    path: string,
    { place: { storage }, engine }: ReturnType<typeof splitOptions>,
    encryption: KeyMaterial | undefined,
  ): Promise<FerroliteSync> {
    await loadEngine();
    const host = storage === "memory" ? undefined : new NodeHost();
    try {
      const connection = await Connection.open(host, path, engine, encryption?.terms, encryption?.secret);
      const channel = new Channel((receive) => {
        return new Session(connection, scheduler, (response) => {
          if ("fatal" in response) host?.closeAll();
          receive(response);
        }, Infinity);
      });
      return new FerroliteSync(channel, host === undefined ? memoryFacts : fileFacts(path));
    } catch (thrown) {
      host?.closeAll();
      throw host?.explain(thrown) ?? FerroliteError.from(thrown, "Internal");
    }
  }

  static async delete(name: string): Promise<boolean> {
    assertName(name);
    return remove(name);
  }

  static async list(directory = "."): Promise<string[]> {
    return list(directory);
  }
}
