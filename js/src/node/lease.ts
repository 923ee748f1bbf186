/**
 * A lease on a lock whose holder cannot be observed: the holder renews it while it lives, and writes nothing after its end.
 *
 * ```text
 * holder:     renewed ──── 2 s ──── renewed ─────────── 10 s: no writes any more
 * successor:               sees this renewal ───────────── 30 s without another: takes over
 * ```
 *
 * The clocks of the two are never compared. A write that began before the end of the lease has 20 seconds to reach the file.
 */

import { clearTimeout, Date, performance, setTimeout } from "../protocol/timers.js";

/** Time between two renewals. */
export const BEAT_MS = 2000;
/** Time after a renewal in which the holder may write. */
const LEASE_MS = 10_000;
/** Time without a renewal after which a successor takes over. */
export const TAKEOVER_MS = 30_000;

/** What a lease needs of its lock. */
interface Renewal {
  /** Touches the lock; false if the lock is another's. */
  renew(): boolean;
  /** Does the same after the end of the lease, while no successor can take the lock over. */
  renewLate(): boolean;
  /** Error for a holder that lost its lock. */
  lost(): Error;
}

/** The clocks of this machine, in milliseconds. */
export interface Clocks {
  /** Does not step, and stands still while the machine sleeps. */
  monotonicMs(): number;
  /** Counts the sleep of the machine, and may be set. */
  wallMs(): number;
}

const OWN_CLOCKS: Clocks = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

export class Lease {
  readonly #renewal: Renewal;
  readonly #clocks: Clocks;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewedMs: number;
  #renewedWallMs: number;
  #isLost = false;

  constructor(renewal: Renewal, clocks = OWN_CLOCKS) {
    this.#renewal = renewal;
    this.#clocks = clocks;
    this.#renewedMs = clocks.monotonicMs();
    this.#renewedWallMs = clocks.wallMs();
    this.#beatLater();
  }

  /** Throws unless the lease lasts. Asks the file system once every two seconds. */
  confirm(): void {
    const ageMs = this.#ageMs();
    if (!this.#isLost && ageMs >= BEAT_MS) this.#isLost = !this.#renewed(ageMs);
    if (this.#isLost) throw this.#renewal.lost();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #beatLater(): void {
    this.#timer = setTimeout(() => this.#beat(), BEAT_MS);
    // It keeps no process alive.
    this.#timer.unref();
  }

  #beat(): void {
    try {
      this.confirm();
    } catch {
      // The next write reports it.
    }
    if (!this.#isLost) this.#beatLater();
  }

  #renewed(ageMs: number): boolean {
    const [nowMs, nowWallMs] = [this.#clocks.monotonicMs(), this.#clocks.wallMs()];
    const isOurs = ageMs < LEASE_MS ? this.#renewal.renew() : this.#renewal.renewLate();
    [this.#renewedMs, this.#renewedWallMs] = [nowMs, nowWallMs];
    return isOurs;
  }

  /** Time since the last renewal began, by the clock that counts more. A clock that was set back proves nothing. */
  #ageMs(): number {
    const wallMs = this.#clocks.wallMs() - this.#renewedWallMs;
    return wallMs < 0 ? LEASE_MS : Math.max(wallMs, this.#clocks.monotonicMs() - this.#renewedMs);
  }
}
