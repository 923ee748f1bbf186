/** What is asked of all places in which a browser may keep databases. */
import { FerroliteError } from "../error.js";
import { databaseOf, fileName } from "./file-name.js";
import * as opfs from "./opfs.js";
import * as indexedDb from "./indexeddb.js";
import { doesNotWork, unsupported } from "./capabilities.js";

/** The names of all databases of this origin. */
export async function list(): Promise<string[]> {
  try {
    const found = await everywhere(opfs.listFiles, indexedDb.listFiles);
    return [...new Set(found.flat().map(databaseOf))].sort();
  } catch (thrown) {
    throw FerroliteError.from(thrown, "Io", "listing the databases");
  }
}

/** Deletes a database wherever it is; whether there was one. */
export async function remove(name: string): Promise<boolean> {
  const file = fileName(name);
  try {
    return (await everywhere(() => opfs.removeFile(file), () => indexedDb.removeFile(file))).includes(true);
  } catch (thrown) {
    if (thrown instanceof FerroliteError) throw thrown;
    const kind = (thrown as DOMException).name;
    if (kind === "NoModificationAllowedError" || kind === "InvalidModificationError") {
      throw new FerroliteError("Locked", `"${name}" is open, here or in another tab; close it before deleting it`);
    }
    throw FerroliteError.from(thrown, "Io", `deleting "${name}"`);
  }
}

/** What a browser throws that has no such place: by its kind, in a private window, by its settings. */
const LACKING = ["NotSupportedError", "SecurityError", "UnknownError", "InvalidStateError"];

/** What a work gives in each of the two places; one that this browser does not have is left out, unless it has neither. */
async function everywhere<T>(inOpfs: () => Promise<T>, inIndexedDb: () => Promise<T>): Promise<T[]> {
  const given: T[] = [];
  const lacks: string[] = [];
  for (const [what, work] of [["private file system", inOpfs], ["IndexedDB and Web Locks", inIndexedDb]] as const) {
    try {
      const lacking = work === inIndexedDb ? await indexedDb.lacking() : undefined;
      if (lacking === undefined) given.push(await work());
      else lacks.push(lacking);
    } catch (thrown) {
      if (!LACKING.includes((thrown as DOMException).name)) throw thrown;
      lacks.push(doesNotWork(what, thrown));
    }
  }
  if (given.length === 0) throw unsupported(lacks.join(", and "));
  return given;
}
