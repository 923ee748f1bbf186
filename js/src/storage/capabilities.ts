/** How messages name a capability that a browser lacks or refuses to this context. */
import { FerroliteError } from "../error.js";

/** True if a browser refuses a capability to this context: the exception itself, or the error that was made of it. */
export function isRefused(thrown: unknown): boolean {
  const { name, cause } = (thrown ?? {}) as Partial<Error>;
  return name === "SecurityError" || (cause !== undefined && isRefused(cause));
}

/** Names a capability that exists and fails. */
export function doesNotWork(what: string, thrown: unknown): string {
  const { name, message } = thrown as Partial<Error>;
  return `no working ${what} (${name}: ${message})`;
}

/** The error of a context that can store nothing. */
export function unsupported(lacks: string): FerroliteError {
  const message = `nothing is kept here: this browser has ${lacks}; use storage: "memory" or allowMemory: true`;
  return new FerroliteError("Unsupported", message);
}
