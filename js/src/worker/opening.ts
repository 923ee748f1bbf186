/** Opening a database in a browser: its file is held by a worker, which one of those who have it open has started. */
import type { Channel } from "../protocol/channel.js";
import { copyOf, type KeyMaterial } from "../arguments/encryption.js";
import { FerroliteError } from "../error.js";
import { fileName } from "../storage/file-name.js";
import type { Loading } from "../arguments/loading.js";
import type { PlainOptions } from "../arguments/options.js";
import type { StorageFacts } from "../types.js";
import { startWorker } from "./start-worker.js";
import * as eviction from "../storage/eviction.js";
import { canShare, Client } from "../tabs/client.js";
import { makeWorker } from "./worker-script.js";

export { makeWorker, startWorker };

/** What opening a database takes; the secret stays the caller's. */
export type How = [name: string, options: PlainOptions, encryption: KeyMaterial | undefined, loading: Loading];

/** What an open database is made of. */
export type Opened = [channel: Channel, storage: StorageFacts, release: () => unknown];

/** Opens a database together with whoever has it open, or alone where it cannot be shared. */
export async function open(...[name, options, encryption, loading]: How): Promise<Opened> {
  if (!isShared(options)) return openAlone(name, options, encryption, loading);
  // Waking it takes the browser a while, and the worker that will ask for it has yet to start.
  navigator.storage?.getDirectory?.().catch(() => {});
  // Memory is never shared.
  const shared = options.allowMemory === true ? { ...options, allowMemory: false } : options;
  const client = clientOf(name, shared, encryption, loading);
  try {
    return [client.channel, await client.open(), () => client.end()];
  } catch (thrown) {
    await client.end();
    throw thrown;
  }
}

/** Opens a database by its own worker, which nobody shares. */
export async function openAlone(...[name, options, material, loading]: How): Promise<Opened> {
  const { worker, channel } = startWorker(name, loading);
  const expected = options.storage === "memory" ? undefined : eviction.expected(name);
  try {
    // The copy is handed over: the secret may be needed once more.
    const encryption = copyOf(material);
    const facts = (await channel.request({ kind: "open", name, options, encryption, expected })) as StorageFacts;
    eviction.remember(name, facts.kind);
    return [channel, facts, () => worker.terminate()];
  } catch (thrown) {
    worker.terminate();
    const error = FerroliteError.from(thrown, "Io");
    // It is told once: the next time a new database is made.
    if (error.code === "Evicted") eviction.forget(name);
    throw error;
  }
}

/** True if others that open the same database share it. */
export function isShared(options: PlainOptions): boolean {
  return options.storage !== "memory" && canShare();
}

/** Who will have a database open together with others. */
export function clientOf(name: string, options: PlainOptions, encryption: KeyMaterial | undefined, loading: Loading): Client {
  return new Client({ name, file: fileName(name), options, encryption, startWorker: (kept) => startWorker(name, loading, kept) });
}

/** What addresses in options are relative to: the page, or in a worker its script. */
export function base(): string | undefined {
  return typeof document === "undefined" ? globalThis.location?.href : document.baseURI;
}
