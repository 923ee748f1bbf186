// The package as it is published: packed, and installed in an empty folder, where projects are built of it.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { toolsOf } from "../../../tools/projects.mjs";

const tests = join(dirname(fileURLToPath(import.meta.url)), "..");
const js = join(tests, "..");

/** Where the projects are that the tests build. */
export const projects = join(tests, "projects");

/** What the page of a project comes to. */
export const EXPECTED = { found: ["b"], kind: "opfs" };

/** Packs the package and installs it: `{ directory, installed, close }`. `parent` is where the folder is made. */
export function installPacked(parent = tmpdir()) {
  const directory = mkdtempSync(join(parent, "ferrolite-package-"));
  const run = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: "pipe" });
  const [{ filename }] = JSON.parse(run(["pack", "--json", "--pack-destination", directory], js));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  run(["install", "--offline", "--no-audit", "--no-fund", `./${filename}`], directory);
  const close = () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  return { directory, installed: join(directory, "node_modules", "ferrolite"), close };
}

/** The installed tools of a project, as `tools/setup.sh projects` leaves them. */
export function toolsFor(project) {
  const folder = toolsOf(project);
  if (!existsSync(join(folder, "complete"))) throw new Error(`the tools of ${project} are missing; tools/setup.sh projects installs them`);
  return folder;
}

/** Lets projects below the folder import these tools. */
export function linkTools(directory, tools) {
  const from = join(tools, "node_modules");
  const to = join(directory, "node_modules");
  for (const name of readdirSync(from).filter((name) => !name.startsWith("."))) {
    if (!name.startsWith("@")) symlinkSync(join(from, name), join(to, name));
    else {
      mkdirSync(join(to, name), { recursive: true });
      for (const scoped of readdirSync(join(from, name))) symlinkSync(join(from, name, scoped), join(to, name, scoped));
    }
  }
}

/** A copy of a checked-in project, and of what all projects do, in a folder beside the installed package. */
export function copyProject(directory, name, as = name) {
  const folder = join(directory, as);
  cpSync(join(projects, "app"), folder, { recursive: true });
  if (existsSync(join(projects, name))) cpSync(join(projects, name), folder, { recursive: true });
  return folder;
}

/** What the page at an address comes to; what it tells of its own on the console is in the error when it does not. */
export async function outcomeOf(context, url) {
  const page = await context.newPage();
  const told = [];
  page.on("console", (message) => told.push(message.text()));
  page.on("pageerror", (error) => told.push(String(error)));
  try {
    await page.goto(url);
    await page.waitForFunction(() => globalThis.outcome !== undefined, undefined, { timeout: 30_000 });
    return await page.evaluate(() => globalThis.outcome);
  } catch (error) {
    throw new Error(`${error.message}\n${told.join("\n")}`, { cause: error });
  } finally {
    await page.close();
  }
}
