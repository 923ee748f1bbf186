/** Sizes and counters of an open database. */
export interface Stats {
  /** Messages of calls that were answered. */
  readonly messages: number;
  readonly [counter: string]: unknown;
}

/** What `check` found. */
export interface CheckReport {
  readonly [finding: string]: unknown;
}
