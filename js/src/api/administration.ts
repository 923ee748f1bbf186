/**
 * What is done to databases as a whole, and rarely. It is loaded when it is called, or else behind what a page begins with. It is
 * a script of its own: what it shares with the page's that is not small is handed to it.
 */
import type { KeyMaterial } from "../arguments/encryption.js";
import { fileName } from "../storage/file-name.js";
import { feed, splitImportOptions } from "../streams/import.js";
import { type Loading, splitLoading } from "../arguments/loading.js";
import type * as Opening from "../worker/opening.js";
import { anywhere } from "../worker/open-again.js";
import { assertName, type PlainOptions } from "../arguments/options.js";
import type { Request } from "../protocol/protocol.js";
import type { SalvageReport } from "../protocol/reports.js";
import { splitSalvageOptions } from "../arguments/salvage-options.js";
import { assertGoesOn } from "../arguments/signals.js";
import * as everywhere from "../storage/everywhere.js";
import * as eviction from "../storage/eviction.js";
import { dropLetters } from "../tabs/letterbox.js";
import { canBroadcast, exclusively, takeAlone } from "../tabs/exclusive.js";
import type { Started } from "../tabs/member.js";
import { explained } from "../worker/too-many-open.js";
import type { ExportOptions, ImportOptions, ImportSource, SalvageOptions, StorageFacts } from "../types.js";

export { splitLoading } from "../arguments/loading.js";
export { openAgain } from "../worker/open-again.js";
export { list } from "../storage/everywhere.js";
export { refreshed } from "../storage/facts.js";
export { persist } from "../storage/persist.js";

/** `Ferrolite.import`; the secret is a copy. */
export async function importFrom(
  opening: typeof Opening,
  name: string,
  source: ImportSource,
  options: ImportOptions,
  encryption: KeyMaterial | undefined,
): Promise<Opening.Opened> {
  const { open, watched } = splitImportOptions(name, source, options);
  const { loading, rest } = splitLoading(open, opening.base());
  const { encryption: _, ...plainOptions } = rest;
  return importInto(opening, name, source, plainOptions, encryption, watched, loading);
}

async function importInto(
  { clientOf, isShared, startWorker, makeWorker }: typeof Opening,
  name: string,
  source: ImportSource,
  options: PlainOptions,
  encryption: KeyMaterial | undefined,
  watched: ExportOptions,
  loading: Loading,
): Promise<Opening.Opened> {
  const client = isShared(options) && canBroadcast() ? clientOf(name, options, encryption, loading) : undefined;
  const hold = client && (await takeAlone(fileName(name), "importing", client.lost));
  const { worker, channel } = startWorker(name, anywhere(loading, makeWorker));
  let isBegun = false;
  try {
    await channel.request({ kind: "import", name, options, encryption });
    isBegun = true;
    await feed(source, watched, (bytes) => channel.request({ kind: "importChunk", bytes }));
    isBegun = false;
    if (client !== undefined && hold !== undefined) {
      const facts = await client.openBy(hold, worker, (sharing) => channel.request({ kind: "importEnd", sharing }));
      return [client.channel, facts, () => client.end()];
    }
    const facts = (await channel.request({ kind: "importEnd" })) as StorageFacts;
    eviction.remember(name, facts.kind);
    return [channel, facts, () => worker.terminate()];
  } catch (thrown) {
    if (isBegun) await channel.request({ kind: "abort" }).catch(() => {});
    worker.terminate();
    await hold?.release();
    await client?.end();
    throw explained(thrown);
  }
}

/** `Ferrolite.salvage`; the secret is a copy. */
export async function salvage(
  { base, startWorker, makeWorker }: typeof Opening,
  name: string,
  out: string,
  options: SalvageOptions,
  encryption: KeyMaterial | undefined,
): Promise<SalvageReport> {
  const { loading, rest } = splitSalvageOptions(name, out, options, base());
  const start = () => startWorker(name, anywhere(loading, makeWorker));
  return exclusively(fileName(name), "salvaging", () => salvageInto(start(), name, out, rest, encryption));
}

async function salvageInto(
  { worker, channel }: Started,
  name: string,
  out: string,
  options: SalvageOptions,
  encryption: KeyMaterial | undefined,
): Promise<SalvageReport> {
  const abort = () => worker.postMessage({ kind: "abort", id: 0 } satisfies Request);
  options.signal?.addEventListener("abort", abort);
  channel.onProgress = (done) => options.onProgress?.(done);
  try {
    return (await channel.request({ kind: "salvage", name, out, encryption })) as SalvageReport;
  } catch (thrown) {
    assertGoesOn(options.signal, "salvage");
    throw explained(thrown);
  } finally {
    options.signal?.removeEventListener("abort", abort);
    worker.terminate();
  }
}

/** `Ferrolite.delete`. */
export async function remove(name: string): Promise<boolean> {
  assertName(name);
  const wasThere = await exclusively(fileName(name), "deleting", () => everywhere.remove(name));
  eviction.forget(name);
  dropLetters(fileName(name));
  return wasThere;
}
