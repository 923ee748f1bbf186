/** `ferrolite/sync` as Node, Bun and Deno see it. */
import type { KeyMaterial } from "../arguments/encryption.js";
import { keyMaterial } from "../arguments/key-material.js";
import { loadEngine } from "../node/engine.js";
import { databasePath, fileFacts, list, remove } from "../node/files.js";
import { type Client, inMemory, openShared } from "../node/shared.js";
import { assertName, assertOpenArguments } from "../arguments/options.js";
import { memoryFacts, splitOptions } from "../arguments/storage-options.js";
import { openedUnlessAborted } from "../arguments/signals.js";
import type { OpenOptions, StorageFacts } from "../types.js";
import { withKey } from "../api/with-key.js";
import { Channel } from "./channel.js";
import { SyncDatabase } from "./generated/database.js";

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
    return openedUnlessAborted(() => withKey(encryption, (material) => FerroliteSync.#open(name, split, material), keyMaterial), signal);
  }

  static async #open(
    name: string,
    { place, engine: options }: ReturnType<typeof splitOptions>,
    encryption: KeyMaterial | undefined,
  ): Promise<FerroliteSync> {
    await loadEngine();
    const channel = new Channel();
    const client: Client = { receive: (response) => channel.receive(response), renewed: () => channel.renew() };
    if (place.storage === "memory") {
      channel.connect(await inMemory(options, encryption, client));
      return new FerroliteSync(channel, memoryFacts);
    }
    channel.connect(await openShared({ name, options, encryption, lockTimeoutMs: place.lockTimeout, client }));
    return new FerroliteSync(channel, fileFacts(databasePath(name)));
  }

  static async delete(name: string): Promise<boolean> {
    assertName(name);
    return remove(name);
  }

  static async list(directory = "."): Promise<string[]> {
    return list(directory);
  }
}
