/** The arguments of `open`. What the options say is looked at where the database is opened. */
import { isWellFormed } from "./check.js";
import { FerroliteError } from "../error.js";
import type { LoadOptions, OpenOptions } from "../types.js";

/** The options of `open` that can be posted, but for the secret, and for those about loading. */
export type PlainOptions = Omit<OpenOptions, "encryption" | "signal" | keyof LoadOptions>;

/** Throws unless these are what `open` takes. */
export function assertOpenArguments(name: unknown, options: unknown): asserts options is OpenOptions {
  assertName(name);
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new FerroliteError("InvalidOptions", "the options of open are an object");
  }
}

/** Throws unless this can be the name of a database. */
export function assertName(name: unknown): asserts name is string {
  if (typeof name === "string" && name !== "" && isWellFormed(name) && !name.includes("\0")) return;
  throw new FerroliteError("InvalidOptions", "the name of a database is a non-empty string");
}
