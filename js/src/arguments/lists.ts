import { keyText } from "./check.js";
import { FerroliteError } from "../error.js";

/** The members of an iterable as JSON texts. */
export function list(members: unknown, code: "InvalidKey" | "InvalidValue", text: (member: unknown) => string): string[] {
  if (typeof members !== "object" || members === null || !(Symbol.iterator in members)) {
    throw new FerroliteError(code, "this verb takes an array or another iterable");
  }
  return Array.from(members as Iterable<unknown>, text);
}

/** Keys as JSON texts, joined. */
export function keyList(keys: unknown): string {
  return list(keys, "InvalidKey", keyText).join(",");
}
