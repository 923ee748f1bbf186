// What is served to the pages of the tests: the table that all hosts play, the tests, and the package.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const tests = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The first one that a path begins with counts. */
export const mounts = {
  "/tests/verbs/": join(tests, "..", "..", "tests", "verbs"),
  "/tests/": tests,
  "/ferrolite/": join(tests, "..", "dist"),
};
