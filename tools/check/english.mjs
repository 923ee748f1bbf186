// Searches documentation, comments and messages for words that docs and code replace by plainer ones, and for comments that begin
// with a relative clause. Usage: node tools/check/english.mjs [--list FOLDER]
//
// Text that is not rewritten yet has a number in ALLOWED. A number only goes down.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Findings that a folder may still have. The longest folder counts. */
const ALLOWED = {
  "docs/architecture.md": 33,
  "docs/benchmarks.md": 2,
  "docs/encryption.md": 1,
  "docs/format.md": 27,
  "docs/guide.md": 1,
  "docs/performance.md": 7,
  "docs/testing.md": 36,
  "js/src": 52,
  "js/src/api": 42,
  "js/src/arguments": 20,
  "js/src/node": 7,
  "js/src/protocol": 53,
  "js/src/storage": 32,
  "js/src/streams": 5,
  "js/src/sync": 21,
  "js/src/tabs": 43,
  "js/src/worker": 9,
  "src/bin/ferrolite": 2,
  "src/crypto": 1,
  "src/documents": 5,
  "src/documents/catalog": 5,
  "src/documents/changes": 2,
  "src/documents/database": 5,
  "src/documents/index": 5,
  "src/documents/json": 4,
  "src/documents/query": 22,
  "src/documents/stored": 3,
  "src/documents/transaction": 3,
  "src/documents/upkeep": 9,
  "src/documents/verbs": 9,
  "src/documents/watch": 12,
  "src/engine": 14,
  "src/engine/damage": 6,
  "src/engine/log": 15,
  "src/engine/table": 12,
  "src/engine/upkeep": 10,
  "src/fs": 2,
  "src/fs/simulated": 4,
  "src/import": 1,
  "src/page": 3,
  "src/page/volume": 2,
  "src/service": 7,
  "www": 16,
};

/** What must not be said, and what is said instead. */
const WORDS = [
  [/\b(?:tells?|told|telling)\b/i, "report, return, deliver, emit"],
  [/\b(?:takes?|took|taken|taking) (?:\w+ )?back\b/i, "roll back, undo"],
  [/\b(?:keeps?|kept|keeping) (?:\w+ )?back\b/i, "reserve"],
  [/\b(?:goes|go|going|went|gone) on\b/i, "continue, resume"],
  [/\blet(?:s|ting)? go of\b/i, "release"],
  [/\bby itself\b/i, "automatically, on its own"],
  [/\b(?:goes|go|going|went|gone) by\b/i, "use"],
  [/\bbroken? off\b/i, "cancel, abort"],
  [/\banew\b/i, "again"],
  [/\bso (?:many|long)\b(?! as)/i, "the count, the duration"],
  [/\bmend(?:s|ed|ing)?\b/i, "fix"],
  [/\b(?:is|are|was|were|be) to be had\b/i, "available"],
  [/\bmeasured beside\b/i, "compared with"],
  [/\bunless it is none\b/i, "state the condition first"],
];
/** How no comment begins. */
const OPENINGS = /^(?:What|Whether|Who|Those|The same|That)\b/;
/** Phrases that contain such a word and are right. */
const RIGHT = [
  // Interface of time, and names of the API.
  /`[^`]*`/g,
  /"[^"]*"/g,
];

/** The prose of a file: pairs of a line number and its text, and whether a comment begins there. */
function* prose(file, text) {
  if (file.endsWith(".md")) {
    let isCode = false;
    for (const [index, line] of text.split("\n").entries()) {
      if (/^\s*```/.test(line)) isCode = !isCode;
      else if (!isCode && !line.startsWith("    ")) yield { line: index + 1, text: line, begins: false };
    }
    return;
  }
  let before = -2;
  for (const [index, line] of text.split("\n").entries()) {
    const comment = /^\s*(?:\/\/[/!]?|\/\*\*?|\*)\s?(.*)$/.exec(line)?.[1] ?? /\s\/\/\s(.*)$/.exec(line)?.[1];
    if (comment !== undefined) {
      yield { line: index + 1, text: comment, begins: before !== index - 1 };
      before = index;
    } else {
      // Messages: string literals with a space.
      for (const [, literal] of line.matchAll(/"((?:[^"\\]|\\.)* (?:[^"\\]|\\.)*)"/g)) yield { line: index + 1, text: literal, begins: false };
    }
  }
}

const files = execFileSync("git", ["ls-files", "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs", "js/README.md", "js/src", "src", "www"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => /\.(md|rs|ts|js|mjs|html)$/.test(file) && file !== "docs/api.md" && !/package-lock|(^|\/)tests\/|_tests\.rs$|\/fuzzing/.test(file));
const list = process.argv[2] === "--list" ? process.argv[3] : undefined;
const folders = Object.keys(ALLOWED).sort((a, b) => b.length - a.length);
const counts = new Map();
for (const file of files) {
  const folder = folders.find((each) => file === each || file.startsWith(`${each}/`)) ?? file;
  for (const { line, text, begins } of prose(file, readFileSync(file, "utf8"))) {
    const bare = RIGHT.reduce((rest, right) => rest.replace(right, ""), text);
    const found = WORDS.filter(([word]) => word.test(bare)).map(([word, instead]) => `"${word.exec(bare)[0]}": ${instead}`);
    if (begins && OPENINGS.test(bare)) found.push(`begins with "${OPENINGS.exec(bare)[0]}": begin with a verb or a noun`);
    counts.set(folder, (counts.get(folder) ?? 0) + found.length);
    const isListed = list !== undefined ? file.startsWith(list) : !(folder in ALLOWED);
    if (isListed) for (const each of found) console.error(`${file}:${line} ${each}`);
  }
}
let isWrong = false;
for (const [folder, count] of [...counts].sort()) {
  const allowed = ALLOWED[folder] ?? 0;
  if (count > allowed) {
    console.error(`${folder}: ${count} findings, and ${allowed} are allowed; list them by: node tools/check/english.mjs --list ${folder}`);
    isWrong = true;
  }
}
if (isWrong) process.exit(1);
console.log(`plain English: ${files.length} files, ${[...counts.values()].reduce((sum, count) => sum + count, 0)} findings are left`);
