// Writes js/src/sync/: the classes whose verbs give values, made of those whose verbs give promises. What is written here is
// the difference: `async`, `await` and `Promise` go, a stream becomes an iterable, and a class has "Sync" in its name. So
// both have the same verbs, checks, messages and texts of calls, from one source. What waits in another way is in modules
// that js/src/sync/ has of its own, under the same names. A test compares the files with this.
// Usage: node tools/sync-sources.mjs

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../js/", import.meta.url));
const ts = createRequire(`${SOURCE}package.json`)("typescript");

/** The modules that are made. */
const MADE = ["reader", "change", "collection", "database", "snapshot", "active-transaction", "course", "transact", "store-stream"];

/** New names of what has another shape. */
const NAMES = {
  Reader: "SyncReader",
  Collection: "SyncCollection",
  Database: "SyncDatabase",
  Snapshot: "SyncSnapshot",
  ActiveTransaction: "SyncTransaction",
  asyncDispose: "dispose",
  AsyncGenerator: "Generator",
};

/** Methods that go on giving promises. */
const STAY = ["storageFacts"];

/** What is to be said otherwise of a class or a member. */
const TOLD = {
  Database: `/**
 * An open database whose verbs return values: those of its default collection, and what is about all of it. Each call is
 * answered before it returns, and one that writes is flushed, as \`durability\` says; many writes share a commit by \`setMany\`,
 * \`commit\` or \`transaction\`. Whatever is wrong is thrown as a \`FerroliteError\`.
 */`,
  "Collection.setStream": `/**
   * Stores the bytes of an iterable, a piece at a time and as many as there is room for; the result is the document's version.
   * What was at the key stays until the last piece has come; when the iterable throws it stays for good. A time to live counts
   * from the beginning.
   */`,
  "Collection.getStream": `/**
   * The bytes at \`key\`, piece by piece, or \`undefined\`. They are read as they are asked for, about a megabyte at a time, and
   * are those of the moment of the call; what it holds is let go at its end, or by \`return()\`, as a loop that is broken off
   * calls it.
   */`,
  "Collection.watch": `/**
   * Tells every change of a key, of keys with a prefix, or in a range, that is committed from now on, as \`Ferrolite\` does: to
   * wait for it takes \`for await\`, or a callback given to \`subscribe\`, and the end of the call that is under way.
   */`,
  "Collection.watchQuery": `/**
   * Tells what a query finds, and from then on which rows have come, were written, and have gone, as \`Ferrolite\` does: to wait
   * for it takes \`for await\`, or a callback given to \`subscribe\`, and the end of the call that is under way.
   */`,
  "Database.export": `/**
   * The database as the bytes of one file, with every commit up to now and nothing else, chunk by chunk. \`Ferrolite.import\`
   * makes a database of them. A chunk is read when it is asked for, and each page is verified: of a damaged database it throws
   * \`Corrupt\`. Until it was read to its end, or ended by \`return()\`, the room of what it needs is not given back. An encrypted
   * database stays encrypted, for the key that it has now.
   */`,
  "Database.transaction": `/**
   * Runs \`work\` as one transaction, and returns what it returns. All that \`tx\` reads is of one state of the database and
   * of its own writes; these are committed when \`work\` is done, all at once. When it has written by the database itself what
   * it has read by \`tx\`, \`work\` is run again, \`retries\` times at most; then the \`Conflict\` is passed on. What \`work\` throws ends
   * the transaction without writing anything, and is passed on as it is. It cannot wait: a promise is \`InvalidTransaction\`.
   *
   * \`\`\`ts
   * const left = db.transaction((tx) => {
   *   const account = tx.get<{ cents: number }>("account:1");
   *   if (account === undefined || account.cents < 20) throw new Error("too little");
   *   tx.set("account:1", { cents: account.cents - 20 });
   *   return account.cents - 20;
   * });
   * \`\`\`
   */`,
};

/** The modules by their paths, each with its text. */
export function syncSources() {
  return new Map(MADE.map((name) => [`${SOURCE}src/sync/${name}.ts`, made(name)]));
}

function made(name) {
  const text = readFileSync(`${SOURCE}src/${name}.ts`, "utf8");
  const file = ts.createSourceFile(`${name}.ts`, text, ts.ScriptTarget.Latest, true);
  const edits = [];
  const edit = (start, end, by) => edits.push({ start, end, by });
  const visit = (node) => {
    if (STAY.includes(node.name?.getText())) return;
    changes(node, edit);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return `// Made of js/src/${name}.ts by tools/sync-sources.mjs. Change it there, and run \`npm --prefix js run sync\`.\n${applied(text, edits)}`;
}

/** Tells what is to be changed at a node itself. */
function changes(node, edit) {
  const drop = (part, more = 0) => edit(part.getStart(), part.end + more, "");
  for (const modifier of node.modifiers ?? []) if (modifier.kind === ts.SyntaxKind.AsyncKeyword) drop(modifier, 1);
  if (ts.isAwaitExpression(node)) dropAwait(node, edit);
  if (ts.isForOfStatement(node) && node.awaitModifier) drop(node.awaitModifier, 1);
  if (ts.isStringLiteral(node) && (ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent))) {
    edit(node.getStart(), node.end, JSON.stringify(moduleFor(node.text)));
  }
  if (ts.isIdentifier(node) && Object.hasOwn(NAMES, node.text)) edit(node.getStart(), node.end, NAMES[node.text]);
  if (ts.isTypeReferenceNode(node)) changeType(node, edit);
  if (ts.isStringLiteral(node) && node.text.includes("async (")) edit(node.getStart(), node.end, node.getText().replace("async (", "("));
  // What may be a promise is none.
  if (ts.isConditionalExpression(node) && ts.isAwaitExpression(node.whenTrue)) {
    edit(node.getStart(), node.whenFalse.getStart(), "");
  }
  changeComment(node, edit);
}

function dropAwait(node, edit) {
  const isWrapped = ts.isParenthesizedExpression(node.parent) && !ts.isAwaitExpression(node.parent.parent);
  const isBare = isWrapped && (ts.isCallExpression(node.expression) || ts.isIdentifier(node.expression));
  edit(isBare ? node.parent.getStart() : node.getStart(), node.expression.getStart(), "");
  if (isBare) edit(node.end, node.parent.end, "");
}

function changeType(node, edit) {
  const name = node.typeName.getText();
  const [inner] = node.typeArguments ?? [];
  if (name === "Promise" || name === "PromiseLike") {
    // `R | PromiseLike<R>`
    const others = ts.isUnionTypeNode(node.parent) ? node.parent.types.filter((type) => type !== node) : [];
    if (others.some((type) => type.getText() === inner.getText())) return edit(others.at(-1).end, node.end, "");
    edit(node.getStart(), inner.getStart(), "");
    edit(inner.end, node.end, "");
  } else if (name === "ReadableStream") {
    edit(node.getStart(), node.end, `IterableIterator<${inner.getText()}, undefined, undefined>`);
  }
}

/** Where a module is for those in sync/: beside them, when they have one of that name. */
function moduleFor(specifier) {
  const name = specifier.slice("./".length, -".js".length);
  const isHere = MADE.includes(name) || existsSync(`${SOURCE}src/sync/${name}.ts`);
  return isHere ? specifier : `../${name}.js`;
}

function changeComment(node, edit) {
  const [doc] = node.jsDoc ?? [];
  if (doc === undefined) return;
  const member = ts.isClassElement(node) ? `${node.parent.name?.text}.` : "";
  const told = TOLD[`${member}${node.name?.getText()}`];
  const adapted = doc
    .getText()
    .replace(/\bawait (?!Ferrolite)/g, "")
    .replace(/\basync (?=\()/g, "")
    .replace(/Ferrolite\.open/g, "FerroliteSync.open");
  edit(doc.getStart(), doc.end, told ?? adapted);
}

/** The text with all changes; of two that overlap, the one that begins first and reaches further counts. */
function applied(text, edits) {
  let result = "";
  let at = 0;
  for (const { start, end, by } of edits.sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (start < at) continue;
    result += text.slice(at, start) + by;
    at = end;
  }
  return result + text.slice(at);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of syncSources()) writeFileSync(path, text);
}
