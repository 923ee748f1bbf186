/** The error of an engine that a browser has no address space for. */
import { FerroliteError } from "../error.js";

/**
 * Chromium reserves 8 GiB of addresses for each WebAssembly memory, whatever its maximum is, out of 1 TiB that all pages and
 * workers of one process share. So one process holds about 125 engines, of which each open database has one.
 */
const MESSAGE =
  "too many databases are open: the browser has no address space for the memory of another engine; " +
  "close databases that are not needed, or keep several collections in one database";

/** Returns an error of this package, with the remedy if too many databases are open. */
export function explained(thrown: unknown): FerroliteError {
  const error = FerroliteError.from(thrown, "Io");
  return error.code === "TooManyOpen" ? new FerroliteError("TooManyOpen", MESSAGE, { cause: error }) : error;
}
