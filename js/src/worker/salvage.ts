/** Salvaging a database: the engine works in slices, between which it can be watched and broken off. */
import type { KeyMaterial } from "../arguments/encryption.js";
import { Salvaging } from "../protocol/ferrolite.js";
import type { Host } from "../protocol/host.js";
import type { SalvageReport } from "../protocol/reports.js";
import { aborted } from "../arguments/signals.js";

/** Bytes of a slice: a few milliseconds. */
const SLICE_BYTES = 256 << 10;

/** Who watches a salvage. */
export interface Watcher {
  /** Lets other events in. */
  pause(): Promise<void>;
  isAborted(): boolean;
  /** The signal of the caller, where it is in this thread. */
  readonly signal?: AbortSignal | undefined;
  progress(done: number): void;
}

/** Salvages the file `name` into the new file `out`, which is removed when that fails. */
export async function salvage(
  host: Host,
  name: string,
  out: string,
  encryption: KeyMaterial | undefined,
  watcher: Watcher,
): Promise<SalvageReport> {
  const salvaging = await Salvaging.begin(host, name, out, {}, encryption?.terms, encryption?.secret);
  let isDone = false;
  try {
    while (!isDone) {
      await watcher.pause();
      if (watcher.isAborted()) throw aborted(watcher.signal, "salvage");
      isDone = salvaging.step(SLICE_BYTES);
      watcher.progress(salvaging.progress());
    }
    return salvaging.report() as SalvageReport;
  } finally {
    salvaging.free();
    // Should it not go: it is marked, and will not open.
    if (!isDone) await host.remove(out).catch(() => undefined);
  }
}
