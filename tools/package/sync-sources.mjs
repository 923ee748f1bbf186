// Generates js/src/sync/generated/, the classes whose methods return values, from the classes whose methods return promises.
// The generator removes `async`, `await` and `Promise`, makes an iterable of a stream, and puts "Sync" into the name of a class.
// So both forms have the same methods, checks, messages and texts of calls, from one source. A name whose synchronous form
// differs is defined by hand, in a file of js/src/sync/ with the same name. A comment that differs is the paragraph `@sync` at
// the end of the original's comment.
// Usage: node tools/package/sync-sources.mjs

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const JS = fileURLToPath(new URL("../../js/", import.meta.url));
const SOURCE = join(JS, "src");
const GENERATED = join(SOURCE, "sync", "generated");
const ts = createRequire(join(JS, "package.json"))("typescript");

/** The originals, by their paths in js/src. */
const MADE = [
  "reader",
  "validated-patch",
  "collection",
  "database",
  "snapshot",
  "active-transaction",
  "transaction-calls",
  "transact",
  "store-stream",
].map((name) => `api/${name}`);

/** The names of the classes, functions and types that have another form. */
const NAMES = {
  Reader: "SyncReader",
  Collection: "SyncCollection",
  Database: "SyncDatabase",
  Snapshot: "SyncSnapshot",
  ActiveTransaction: "SyncTransaction",
  asyncDispose: "dispose",
  AsyncGenerator: "Generator",
};

/** Methods that return promises in both forms. */
const STAY = ["storageFacts"];

/** Returns the generated modules: the path and the text of each. */
export function syncSources() {
  return new Map(MADE.map((path) => [join(GENERATED, `${basename(path)}.ts`), made(path)]));
}

/** Writes the generated modules. A file that has not changed keeps its time. */
export function writeSyncSources() {
  mkdirSync(GENERATED, { recursive: true });
  const sources = syncSources();
  for (const name of readdirSync(GENERATED)) if (!sources.has(join(GENERATED, name))) rmSync(join(GENERATED, name));
  for (const [path, text] of sources) if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

function made(path) {
  const file = parsed(path);
  const edits = [];
  const edit = (start, end, by) => edits.push({ start, end, by });
  const visit = (node) => {
    if (STAY.includes(node.name?.getText())) return;
    changes(node, edit, path);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return `// Made of js/src/${path}.ts by tools/package/sync-sources.mjs. Change it there, and run \`npm --prefix js run sync\`.\n${applied(file.text, edits)}`;
}

function parsed(path) {
  return ts.createSourceFile(path, readFileSync(join(SOURCE, `${path}.ts`), "utf8"), ts.ScriptTarget.Latest, true);
}

/** Adds the edits of a node itself, without its children. */
function changes(node, edit, path) {
  const drop = (part, more = 0) => edit(part.getStart(), part.end + more, "");
  for (const modifier of node.modifiers ?? []) if (modifier.kind === ts.SyntaxKind.AsyncKeyword) drop(modifier, 1);
  if (ts.isAwaitExpression(node)) dropAwait(node, edit);
  if (ts.isForOfStatement(node) && node.awaitModifier) drop(node.awaitModifier, 1);
  if (ts.isImportDeclaration(node)) edit(node.getStart(), node.end, importsFor(node, path));
  if (ts.isIdentifier(node) && Object.hasOwn(NAMES, node.text)) edit(node.getStart(), node.end, NAMES[node.text]);
  if (ts.isTypeReferenceNode(node)) changeType(node, edit);
  if (ts.isStringLiteral(node) && node.text.includes("async ("))
    edit(node.getStart(), node.end, node.getText().replace("async (", "("));
  // `isPromise ? await value : value` becomes `value`.
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

/** Returns the imports of a generated module in place of an import of the original `path`: each name from the file that defines it. */
function importsFor({ importClause, moduleSpecifier }, path) {
  const module = posix.join(dirname(path), moduleSpecifier.text).replace(/\.js$/, "");
  const byModule = new Map();
  for (const { isTypeOnly, name, propertyName } of importClause.namedBindings.elements) {
    const exported = (propertyName ?? name).text;
    const from = moduleFor(module, exported);
    const text = propertyName === undefined ? (NAMES[exported] ?? exported) : `${exported} as ${name.text}`;
    byModule.set(from, [...(byModule.get(from) ?? []), { isType: isTypeOnly || importClause.isTypeOnly, text }]);
  }
  return [...byModule].map(([from, names]) => importOf(names, from)).join("\n");
}

function importOf(names, from) {
  const isTypes = names.every(({ isType }) => isType);
  const listed = names.map(({ isType, text }) => (isType && !isTypes ? `type ${text}` : text)).join(", ");
  return `import ${isTypes ? "type " : ""}{ ${listed} } from "${from}";`;
}

/** Returns where a generated module finds a name of `module`: in a generated module, in js/src/sync/, or in the original. */
function moduleFor(module, name) {
  const file = basename(module);
  if (MADE.includes(module)) return `./${file}.js`;
  if (definedByHand(file).has(name)) return `../${file}.js`;
  return `../../${module}.js`;
}

/** Returns the names that a file of js/src/sync/ defines; none if the file does not exist. */
function definedByHand(name) {
  if (!existsSync(join(SOURCE, "sync", `${name}.ts`))) return new Set();
  const statements = parsed(`sync/${name}`).statements.filter(({ modifiers = [] }) =>
    modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
  );
  return new Set(
    statements.flatMap(({ name, declarationList }) =>
      name ? [name.text] : declarationList.declarations.map((one) => one.name.text),
    ),
  );
}

function changeComment(node, edit) {
  const [doc] = node.jsDoc ?? [];
  if (doc === undefined) return;
  const own = doc.getText().replace(/^\/\*\*\n[^]*\n( +\* )@sync /, "/**\n$1");
  const adapted = own
    .replace(/\bawait (?!Ferrolite)/g, "")
    .replace(/\basync (?=\()/g, "")
    .replace(/Ferrolite\.open/g, "FerroliteSync.open");
  edit(doc.getStart(), doc.end, own === doc.getText() ? adapted : own);
}

/** Returns the text with all edits. Of two edits that overlap, the edit that begins first and ends last is applied. */
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

if (process.argv[1] === fileURLToPath(import.meta.url)) writeSyncSources();
