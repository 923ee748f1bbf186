// Writes docs/api.md, the reference of the npm package: each class, method and type that it exports, with its signature and
// its documentation comment, out of the declarations that the compiler makes of js/src. A test compares the file with this.
// Usage: node tools/package/api-reference.mjs

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("../../js/", import.meta.url));
const ts = createRequire(`${SOURCE}package.json`)("typescript");

/** Where the reference is. */
export const API_FILE = fileURLToPath(new URL("../../docs/api.md", import.meta.url));

/** What is told where, in this order. What is not listed comes behind everything else. */
const GROUPS = [
  ["The database", ["Ferrolite", "Database", "OpenOptions", "LoadOptions", "WorkerLike", "Durability", "StorageFacts"]],
  [
    "Documents",
    [
      "Collection",
      "Reader",
      "CollectionOptions",
      "CollectionName",
      "Range",
      "TtlOptions",
      "SetOptions",
      "SignalOptions",
      "VersionedDocument",
      "PatchOperation",
      "ByteSource",
    ],
  ],
  [
    "Queries and indexes",
    [
      "Query",
      "Filter",
      "defined",
      "Defined",
      "Operators",
      "OrderBy",
      "Row",
      "QueryPage",
      "SelectQuery",
      "Selected",
      "Explanation",
      "PathOf",
      "AtPath",
      "IndexOptions",
      "IndexInfo",
      "FindOptions",
      "FindPage",
      "Condition",
      "Bounds",
      "Scalar",
    ],
  ],
  ["Transactions and snapshots", ["Transaction", "ActiveTransaction", "TransactionOptions", "Snapshot"]],
  ["Watches", ["Watch", "WatchSelector", "WatchOptions", "Change", "WatchQueryOptions", "RowChanges"]],
  ["Schemas", ["StandardSchema", "SchemaResult", "SchemaIssue"]],
  ["Errors", ["FerroliteError", "ErrorCode"]],
  ["Encryption", ["Encryption", "Cipher", "Argon2Costs"]],
  ["Export and import", ["ExportOptions", "ImportOptions", "ImportSource"]],
  ["Without promises", ["FerroliteSync", "SyncDatabase", "SyncCollection", "SyncReader", "SyncTransaction", "SyncSnapshot"]],
  ["Stores", ["documentStore", "queryStore", "Store", "StoreState", "Watched", "WholeDatabase"]],
  ["React", ["useDocument", "useQuery"]],
  [
    "Looking inside, and repair",
    ["Stats", "Latency", "CheckOptions", "CheckReport", "SalvageOptions", "SalvageReport", "LostPart"],
  ],
];

/** The modules of the package's exports: what both of two export is told once, by the first. */
const ENTRIES = { ferrolite: "index", "ferrolite/sync": "sync/index", "ferrolite/stores": "stores", "ferrolite/react": "react" };

/** The text of the reference. */
export function reference() {
  const { exported, declared } = declarations();
  const wanted = withWhatTheyName(exported, declared);
  const grouped = GROUPS.map(([title, names]) => [title, names.filter((name) => wanted.has(name))]);
  const listed = new Set(grouped.flatMap(([, names]) => names));
  const others = [...wanted.keys()].filter((name) => !listed.has(name)).sort();
  const groups = [...grouped, ["Other types", others]].filter(([, names]) => names.length > 0);
  const contents = groups.map(([title, names]) => `- [${title}](#${anchor(title)}): ${names.map(linked).join(", ")}`);
  const body = groups.flatMap(([title, names]) => [
    `## ${title}`,
    ...names.flatMap((name) => entry(name, wanted.get(name), exported)),
  ]);
  return `${[HEAD, contents.join("\n"), ...body].join("\n\n")}\n`;
}

const HEAD = `<!-- Made by tools/package/api-reference.mjs of the types in js/src. Change the comments there, and run \`make docs\`. -->

# API reference of the npm package

Everything that \`import { ... } from "ferrolite"\` can name, with its types; what comes from \`ferrolite/sync\`,
\`ferrolite/stores\` or \`ferrolite/react\` says so. The package is the same in browsers and in Node; what
differs is said. The [guide](guide.md) shows it at work. The reference of the Rust crate is made by \`cargo doc\`; \`make docs\`
makes both.`;

/** Where names are imported from, apart from `ferrolite`. */
const origins = new Map();

/** The declarations of the package by name: those that it exports, and all. */
function declarations() {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${SOURCE}tsconfig.json`, ts.sys.readFile).config,
    ts.sys,
    SOURCE,
  );
  const entryFiles = Object.values(ENTRIES).map((name) => `${SOURCE}src/${name}.ts`);
  const program = ts.createProgram([...entryFiles, `${SOURCE}src/protocol/ferrolite.d.ts`], {
    ...options,
    noEmit: false,
    emitDeclarationOnly: true,
  });
  const files = new Map();
  program.emit(
    undefined,
    (path, text) => {
      files.set(resolve(path), ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
    },
    undefined,
    true,
  );
  const declared = new Map(
    [...files.values()].sort((a, b) => (a.fileName < b.fileName ? -1 : 1)).flatMap((file) => [...namedIn(file)]),
  );
  const exported = new Map();
  for (const [specifier, name] of Object.entries(ENTRIES)) {
    for (const [called, declaration] of exportsOf(resolve(SOURCE, `dist/${name}.d.ts`), files)) {
      if (exported.has(called)) continue;
      exported.set(called, declaration);
      if (specifier !== "ferrolite") origins.set(called, specifier);
    }
  }
  return { exported, declared };
}

function* namedIn(file) {
  for (const statement of file.statements) if (statement.name?.text) yield [statement.name.text, statement];
}

/** What a module exports, also of others. */
function* exportsOf(path, files) {
  const file = files.get(path);
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement)) {
      if (statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) yield [statement.name.text, statement];
    } else if (statement.moduleSpecifier !== undefined) {
      const names = statement.exportClause?.elements?.map(({ name }) => name.text);
      const from = resolve(dirname(path), statement.moduleSpecifier.text.replace(/\.js$/, ".d.ts"));
      for (const [name, declaration] of exportsOf(from, files)) {
        if (names === undefined || names.includes(name)) yield [name, declaration];
      }
    }
  }
}

/** With the types of the package that signatures name without their being exported, as a base class. */
function withWhatTheyName(exported, declared) {
  const wanted = new Map(exported);
  const visit = (node) => {
    const name = ts.isIdentifier(node) && isTypeName(node) ? node.text : "";
    if (declared.has(name) && !wanted.has(name) && knows(node.getSourceFile(), name)) {
      wanted.set(name, declared.get(name));
      visit(declared.get(name));
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of exported.values()) visit(declaration);
  return wanted;
}

function isTypeName({ parent }) {
  return ts.isTypeReferenceNode(parent) || ts.isExpressionWithTypeArguments(parent);
}

/** Whether a name in a file is one of the package, and not one of the host. */
function knows(file, name) {
  const imports = file.statements
    .filter(ts.isImportDeclaration)
    .flatMap(({ importClause }) => importClause?.namedBindings?.elements ?? []);
  return imports.some((imported) => imported.name.text === name) || [...namedIn(file)].some(([declared]) => declared === name);
}

/** The paragraphs about a declaration. */
function entry(name, declaration, exported) {
  const paragraphs = [`### ${name}`, ...(origins.has(name) ? [`From \`${origins.get(name)}\`.`] : [])];
  if (ts.isFunctionDeclaration(declaration)) return [...paragraphs, ...ofFunction(name, declaration)];
  if (!ts.isClassDeclaration(declaration)) return [...paragraphs, ...comment(declaration), code(withoutExport(declaration))];
  const { members } = declaration;
  const head = withoutExport(declaration).slice(0, withoutExport(declaration).indexOf("{")).trim();
  const bare = exported.has(name) ? [] : ["Only the classes that extend it are exported."];
  paragraphs.push(code(head), ...comment(declaration), ...bare);
  // Of overloads, only the first one has to have a comment.
  const commented = new Set(members.filter((member) => comment(member).length > 0).map(nameOf));
  const told = members.filter(
    (member) => !isPrivate(member) && (ts.isConstructorDeclaration(member) || commented.has(nameOf(member))),
  );
  // What they do is told where the class is that gives promises.
  if (name.startsWith("Sync")) return [...paragraphs, code(told.map(signature).join("\n"))];
  // Overloads stand together, behind what the first of them says.
  for (let at = 0; at < told.length; ) {
    const called = nameOf(told[at]);
    const run = told.slice(at).findIndex((member) => nameOf(member) !== called);
    const overloads = told.slice(at, run === -1 ? undefined : at + run);
    at += overloads.length;
    paragraphs.push(`#### ${name}.${called}`, code(overloads.map(signature).join("\n")), ...overloads.flatMap(comment));
  }
  return paragraphs;
}

/** A function with its overloads, of which the first one has the comment. */
function ofFunction(name, declaration) {
  const all = declaration.parent.statements.filter(
    (statement) => ts.isFunctionDeclaration(statement) && statement.name.text === name,
  );
  return [...all.flatMap(comment), code(all.map(withoutExport).join("\n"))];
}

function isPrivate(member) {
  const hidden = [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword];
  return member.name?.kind === ts.SyntaxKind.PrivateIdentifier || member.modifiers?.some(({ kind }) => hidden.includes(kind));
}

function nameOf(member) {
  if (ts.isConstructorDeclaration(member)) return "constructor";
  const name = member.name?.getText();
  return name === "[asyncDispose]" ? "[Symbol.asyncDispose]" : name;
}

/** A member without its comment. */
function signature(member) {
  return member
    .getText()
    .replace(/\n {4}/g, "\n")
    .replace("[asyncDispose]", "[Symbol.asyncDispose]");
}

function withoutExport(declaration) {
  return declaration
    .getText()
    .replace(/^export /, "")
    .replace(/^declare /, "");
}

/** The text of a documentation comment, without the paragraph about the synchronous form. */
function comment(node) {
  const text = (node.jsDoc ?? []).map((doc) => doc.getText()).join("\n");
  const lines = text
    .replace(/^\/\*\*/, "")
    .replace(/\*\/$/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const told = lines
    .join("\n")
    .replace(/^@sync [^]*/m, "")
    .trim();
  return told === "" ? [] : [told];
}

function code(text) {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function anchor(title) {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9 ]/g, "")
    .replaceAll(" ", "-");
}

function linked(name) {
  return `[${name}](#${anchor(name)})`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(API_FILE, reference());
