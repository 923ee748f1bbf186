// What the release workflow does with the manifests.
// Usage: node tools/package/release.mjs verify TAG        fails unless the tag is "v" and the version of both packages
//        node tools/package/release.mjs address ADDRESS   writes the project's public address into both manifests
//        node tools/package/release.mjs notes TAG         prints the changelog's section of a version
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const CRATE = join(root, "Cargo.toml");
const PACKAGE = join(root, "js", "package.json");
const CHANGELOG = join(root, "CHANGELOG.md");

/** Throws unless the tag names the version of the crate and of the npm package. */
function verify(tag) {
  const crate = /^version = "(.*)"$/m.exec(readFileSync(CRATE, "utf8"))?.[1];
  const { version } = JSON.parse(readFileSync(PACKAGE, "utf8"));
  if (tag !== `v${crate}` || tag !== `v${version}`) {
    throw new Error(`the tag ${tag} does not match the crate ${crate} and the npm package ${version}; set both versions first`);
  }
  if (/\(unreleased\)/.test(heading(tag))) throw new Error(`the changelog calls ${tag} unreleased; write its date there first`);
}

/** Writes `repository`, `homepage` and `bugs` into the manifests. Both registries show these links. */
function writeAddress(text) {
  const address = new URL(text).href.replace(/\/$/, "");
  const manifest = JSON.parse(readFileSync(PACKAGE, "utf8"));
  const { name, version, description, ...rest } = manifest;
  const links = {
    homepage: `${address}#readme`,
    repository: { type: "git", url: `git+${address}.git`, directory: "js" },
    bugs: { url: `${address}/issues` },
  };
  writeFileSync(PACKAGE, `${JSON.stringify({ name, version, description, ...rest, ...links }, null, 2)}\n`);

  const lines = readFileSync(CRATE, "utf8")
    .split("\n")
    .filter((line) => !/^(repository|homepage) = /.test(line));
  const at = lines.findIndex((line) => line.startsWith("license = "));
  lines.splice(at + 1, 0, `repository = "${address}"`, `homepage = "${address}"`);
  writeFileSync(CRATE, lines.join("\n"));
}

/** Returns the heading of a version in the changelog. */
function heading(tag) {
  const found = readFileSync(CHANGELOG, "utf8")
    .split("\n")
    .find((line) => line.startsWith(`## ${tag.slice(1)}`));
  if (found === undefined) throw new Error(`the changelog has no section ${tag.slice(1)}; add it first`);
  return found;
}

/** Returns the text of a version's section in the changelog. */
function notes(tag) {
  const [, text] = readFileSync(CHANGELOG, "utf8").split(`${heading(tag)}\n`);
  return text.split(/^## /m)[0].trim();
}

const [verb, argument] = process.argv.slice(2);
if (verb === "verify" && argument) verify(argument);
else if (verb === "address" && argument) writeAddress(argument);
else if (verb === "notes" && argument) console.log(notes(argument));
else throw new Error("usage: node tools/package/release.mjs verify TAG | address ADDRESS | notes TAG");
