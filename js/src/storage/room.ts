/**
 * How much room the browser says there is. A transaction of IndexedDB that meets the quota fails the file, since what was
 * written has changed it already; so a file that grows is refused before, as by a full disk, and there is still room to
 * overwrite what it has: to delete from it, and to compact it.
 */
import { setTimeout } from "../protocol/timers.js";


/** What is kept free of the quota: a share of it, at most so many bytes. */
const MARGIN_SHARE = 1 / 16;
const MARGIN_BYTES_MAX = 16 << 20;
/** It is asked again when so much was written, or a quarter of what was left. */
const WRITTEN_BYTES_MIN = 64 << 10;
const WRITTEN_BYTES_MAX = 16 << 20;
/** How long after a refusal it is asked again. */
const AGAIN_MS = 250;

export class Room {
  readonly #estimate: () => Promise<{ quota?: number; usage?: number }>;
  /** Bytes by which files may grow. Where the browser does not tell, they find out. */
  #left = Infinity;
  /** By how much they have, since the beginning. */
  #grown = 0;
  /** What they gave back and have not taken again, while the browser still counts it as used, as Chromium does for minutes. */
  #returned = 0;
  /** Bytes that were written since it was last asked. */
  #written = 0;
  #isAsking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(estimate: () => Promise<{ quota?: number; usage?: number }>) {
    this.#estimate = estimate;
  }

  /** Asks how much there is. */
  async ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#written = 0;
    const grown = this.#grown;
    const { quota, usage } = await this.#estimate();
    this.#isAsking = false;
    if (quota === undefined || usage === undefined) return;
    const margin = Math.min(MARGIN_BYTES_MAX, quota * MARGIN_SHARE);
    const told = quota - usage - margin - (this.#grown - grown);
    if (told >= this.#returned) this.#returned = 0;
    this.#left = Math.max(told, this.#returned);
  }

  /** Takes room for so many bytes, if there is as much. */
  take(bytes: number): boolean {
    if (bytes > this.#left) {
      // Somebody may be making room.
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.ask();
      }, AGAIN_MS);
      return false;
    }
    this.#left -= bytes;
    this.#grown += bytes;
    this.#returned = Math.max(0, this.#returned - bytes);
    return true;
  }

  /** Gives back as many, which files have become shorter by. */
  give(bytes: number): void {
    this.#left += bytes;
    this.#returned += bytes;
  }

  /** So many bytes were written, over others or not. */
  wrote(bytes: number): void {
    this.#written += bytes;
    const enough = Math.min(Math.max(this.#left / 4, WRITTEN_BYTES_MIN), WRITTEN_BYTES_MAX);
    if (this.#written >= enough) void this.ask();
  }
}
