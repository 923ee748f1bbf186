// Where the tools of a test project are installed: `node tools/projects.mjs FOLDER` prints it for the project in FOLDER.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const { FERROLITE_TOOLS, XDG_CACHE_HOME } = process.env;
const TOOLS = FERROLITE_TOOLS || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "ferrolite-tools");

/** A folder for each state of the project's lock file. */
export function toolsOf(project) {
  const digest = createHash("sha256")
    .update(readFileSync(join(project, "package-lock.json")))
    .digest("hex");
  return join(TOOLS, "projects", `${basename(resolve(project))}-${digest.slice(0, 12)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(toolsOf(process.argv[2]));
