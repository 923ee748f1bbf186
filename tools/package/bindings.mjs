// A plugin of esbuild.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** What a name in the wasm has that its name in the bindings has not: prefixes, and most digits of a hash. */
const LONG = /^__wbg_|__wbindgen_|[0-9a-f]{14}(?=..$)/g;

/** How the bindings load the wasm: with less for hosts and callers that there are none of. */
const INIT = `
let wasm, loading;
function __wbg_init(source) {
  return (loading ??= instantiated(source.module_or_path).catch((thrown) => {
    loading = undefined;
    throw thrown;
  }));
}

async function instantiated(source) {
  const imports = __wbg_get_imports();
  let made;
  if (source.headers?.get("Content-Type") === "application/wasm") made = await WebAssembly.instantiateStreaming(source, imports);
  else {
    if (source.headers) console.warn("wasm compiles faster when it is served as application/wasm");
    made = await WebAssembly.instantiate(source.headers ? await source.arrayBuffer() : source, imports);
  }
  wasm = (made.instance ?? made).exports;
  wasm.__wbindgen_start();
  return wasm;
}

export { __wbg_init as default };
`;

/** How the engine tells of a value that it did not expect. */
const DEBUG = `function debugString(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
`;

/** The text without the parts that a page would only download. Each of them has to be there: another tool may make other bindings. */
function trimmed(text) {
  const replaced = (pattern, by) => {
    if (text.search(pattern) < 0)
      throw new Error(`wasm-bindgen makes other bindings than tools/package/bindings.mjs expects: no ${pattern}`);
    text = text.replace(pattern, by);
  };
  const names = new Set();
  replaced(/(?<=^ +)(__w\w+): function(?=\()/gm, (_, name) => {
    const short = name.replace(LONG, "");
    if (names.has(short)) throw new Error(`${name} has the short name of another one`);
    names.add(short);
    return short;
  });
  replaced(/"\.\/ferrolite_bg\.js": import0/, `$&Named`);
  replaced(
    /(?<=^ +)(?=return \{\n +__proto__: null,\n +"\.\/ferrolite_bg)/m,
    `const import0Named = new Proxy(import0, { get: (all, name) => all[name.replace(${LONG}, "")] });\n`,
  );
  replaced(/ [*/] 1\b(?=[,)])/g, "");
  // The call itself makes numbers.
  replaced(/(?<=^ +const val\d+ = )\+(?=\w+;$)/gm, "");
  // All hosts have these.
  replaced(/\(typeof FinalizationRegistry === 'undefined'\)\s*\? \{[^\n]*\}\s*: /g, "");
  replaced(/^if \(Symbol\.dispose\)[^\n]*\n/gm, "");
  replaced(/^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[^]*?\n\}\n/m, "");
  // It is always there.
  replaced(/^    if \(realloc === undefined\) \{\n[^]*?\n    \}\n/m, "");
  replaced(/^import \* as import1 from "\.\/rest\.js"/m, 'import { loadRest } from "./rest.js"; const import1 = { loadRest }');
  // The first that is asked for is always there.
  replaced(
    /(?<=^ +(?:__wbg_)?static_accessor_(?:GLOBAL(?!_THIS)|SELF|WINDOW)_\w+\() *\) \{\n[^]*?\n        \}/gm,
    ") {\n            return 0;\n        }",
  );
  replaced(
    /(?<=^    if \()cachedDataViewMemory0 === null[^\n]*(?=\) \{$)/m,
    "cachedDataViewMemory0?.buffer !== wasm.memory.buffer",
  );
  // `instanceof` a class of the host does not throw.
  replaced(
    /^ +let result;\n +try \{\n +result = ([^\n]*);\n +\} catch \(_\) \{\n +result = false;\n +\}\n +const ret = result;\n/gm,
    "const ret = $1;\n",
  );
  // Arguments are checked before. One that throws here, for want of memory, loses the memory of those before it.
  replaced(/^ +try \{\n((?:(?! +\} catch)[^\n]*\n)*) +\} catch \(e\) \{\n(?: +if \(ptr\d+\) [^\n]*\n)+ +throw e;\n +\}\n/gm, "$1");
  // One closure for each of these, and not one for each call.
  replaced(/\(\) \{ return handleError\((function \([^]*?\n        \}), arguments\); \}/g, ": handleError($1)");
  replaced(
    /^function handleError\(f, args\) \{([^]*?)f\.apply\(this, args\)([^]*?)\n\}\n/m,
    "function handleError(f) {\nreturn (...args) => {$1f(...args)$2\n};\n}\n",
  );
  replaced(/^function debugString\([^]*?\n\}\n/m, DEBUG);
  replaced(/^let wasmModule, wasmInstance, wasm;[^]*$/m, INIT);
  return text;
}

/**
 * The bindings of the wasm are made by wasm-bindgen, and lie elsewhere than the modules that they import. The clock and the
 * microtasks that they use are those of `timers.ts`.
 */
export const bindings = {
  name: "bindings",
  setup(build) {
    build.onResolve({ filter: /\/ferrolite\.js$/ }, () => ({ path: join(root, ".build", "wasm", "ferrolite.js") }));
    build.onLoad({ filter: /[\\/]wasm[\\/]ferrolite\.js$/ }, ({ path }) => ({
      contents: `import { performance, queueMicrotask } from "./timers.js"; ${trimmed(readFileSync(path, "utf8"))}`,
      resolveDir: join(root, "js", "src", "protocol"),
    }));
    build.onResolve({ filter: /^\.\/rest\.js$/ }, () => ({ path: join(root, "js", "src", "protocol", "rest.ts") }));
  },
};
