/** The files of databases in browsers, by their names. */
import { FerroliteError } from "../error.js";

export const SUFFIX = ".ferrolite";
/** What file systems allow a name to have. */
const FILE_NAME_BYTES_MAX = 255;

/** The database of a file. */
export const databaseOf = (file: string): string => decodeURIComponent(file.slice(0, -SUFFIX.length));

/** The file of a database. Whatever a file name cannot hold is escaped as in a URL. */
export function fileName(name: string): string {
  const file = encodeURIComponent(name).replaceAll("*", "%2A") + SUFFIX;
  if (file.length > FILE_NAME_BYTES_MAX) {
    throw new FerroliteError("InvalidOptions", `the name of the database is too long by ${file.length - FILE_NAME_BYTES_MAX}`);
  }
  return file;
}
