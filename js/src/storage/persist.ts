/** Asking a browser to keep the data of a site. */
import { isPersisted, storageManager, within } from "./facts.js";

/** How long `persist` waits for the browser, and for the user whom it may ask. */
const PERSIST_WAIT_MS = 10_000;

/** Asks the browser to keep the data of this site; whether it will. */
export async function persist(): Promise<boolean> {
  const storage = storageManager();
  if (storage === undefined) return false;
  if (await isPersisted()) return true;
  // Pages alone may ask.
  if (typeof storage.persist !== "function") return false;
  return within(PERSIST_WAIT_MS, storage.persist(), false);
}
