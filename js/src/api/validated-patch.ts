/** Changes of documents that a validator has to let pass: what a patch makes of a document is validated before it is stored. */
import { FerroliteError } from "../error.js";
import { versioned } from "./reader.js";
import type { SetOptions } from "../types.js";

/** How often a change is tried again when others have changed the document, too. */
const CHANGES_MAX = 20;

/** Stores what a patch makes of a document; false if there is no document. `patched` asks for it, and `row` was the first answer. */
export async function change<I>(
  collection: { set(key: string, document: I, options: SetOptions): Promise<unknown> },
  key: string,
  patched: () => Promise<unknown>,
  row: unknown,
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const changed = versioned<I>(key, row);
    if (changed === undefined) return false;
    try {
      await collection.set(key, changed.document, { ifVersion: changed.version, keepTtl: true });
      return true;
    } catch (thrown) {
      if (attempt === CHANGES_MAX || !(thrown instanceof FerroliteError && thrown.code === "Conflict")) throw thrown;
    }
    row = await patched();
  }
}
