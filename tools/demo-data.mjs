// Makes the demo's documents, dist/demo/data.ndjson, from MDN's browser compatibility data.
//
// Source: the npm package @mdn/browser-compat-data (https://github.com/mdn/browser-compat-data). Its licence is CC0-1.0:
// public domain. The version and the digest of the file that is read are fixed, so the same lines come out everywhere.
//
// A line is {"key", "value"}. There are two kinds of documents:
// - a feature of the web platform, as "api.Window.open": the package's compatibility statement as it is, and `since`,
//   the first version of three browsers as a number, so that versions can be compared;
// - a release of a browser, as "browsers.chrome.releases.120": the package's record as it is, and `browser`, its name.
//
// Usage: node tools/demo-data.mjs FOLDER [OUTPUT]      FOLDER has the package installed
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SOURCE_SHA256 = "1ba5af938601e572d37f19129b923cb077e7f084899e2d032593f661a5a32ea8";
const COMPARED_BROWSERS = ["chrome", "firefox", "safari"];

const [folder, output = "dist/demo/data.ndjson"] = process.argv.slice(2);
const source = join(folder ?? ".", "node_modules/@mdn/browser-compat-data/data.json");
if (folder === undefined || !existsSync(source)) {
  console.error(`demo-data: ${source} is not there; tools/setup.sh demo installs it`);
  process.exit(1);
}
const bytes = readFileSync(source);
const digest = createHash("sha256").update(bytes).digest("hex");
if (digest !== SOURCE_SHA256) {
  console.error(`demo-data: ${source} has the digest ${digest}, not ${SOURCE_SHA256}`);
  process.exit(1);
}
const { __meta: meta, browsers, ...areas } = JSON.parse(bytes);

const lines = [];
const add = (key, value) => lines.push(`${JSON.stringify({ key, value })}\n`);
for (const [area, features] of Object.entries(areas)) addFeatures([area], features);
for (const [id, { name, releases }] of Object.entries(browsers)) {
  for (const [version, release] of Object.entries(releases)) {
    add(`browsers.${id}.releases.${version}`, { browser: name, ...release });
  }
}

mkdirSync(dirname(output), { recursive: true });
const text = lines.join("");
// Written aside and renamed, so that a run that is stopped leaves no half of it.
writeFileSync(`${output}.part`, text);
renameSync(`${output}.part`, output);
const about = {
  package: "@mdn/browser-compat-data",
  version: meta.version,
  source: "https://github.com/mdn/browser-compat-data",
  licence: "CC0-1.0",
  documents: lines.length,
  bytes: Buffer.byteLength(text),
};
writeFileSync(join(dirname(output), "about.json"), `${JSON.stringify(about, null, 2)}\n`);
console.log(`demo-data: ${lines.length} documents from ${about.package} ${about.version} (${about.licence}, ${about.source})`);

/** Adds a feature and those inside it; `path` leads to it. */
function addFeatures(path, node) {
  for (const [name, inner] of Object.entries(node)) {
    if (name === "__compat") add(path.join("."), { ...inner, since: since(inner.support) });
    else if (typeof inner === "object" && inner !== null) addFeatures([...path, name], inner);
  }
}

/** The first version of each compared browser that has a feature without a flag, as a number. */
function since(support) {
  const versions = {};
  for (const browser of COMPARED_BROWSERS) {
    const statements = [support[browser] ?? []].flat();
    const numbers = statements
      .filter((statement) => statement.flags === undefined && typeof statement.version_added === "string")
      .map((statement) => /^≤?(\d+(?:\.\d+)?)/.exec(statement.version_added))
      .filter((match) => match !== null)
      .map((match) => Number(match[1]));
    if (numbers.length > 0) versions[browser] = Math.min(...numbers);
  }
  return versions;
}
