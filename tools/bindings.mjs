// A plugin of esbuild.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** The bindings of the wasm are made by wasm-bindgen, and lie elsewhere than the module that they import. */
export const bindings = {
  name: "bindings",
  setup(build) {
    build.onResolve({ filter: /\/ferrolite\.js$/ }, () => ({ path: join(root, ".build", "wasm", "ferrolite.js") }));
    build.onResolve({ filter: /^\.\/rest\.js$/ }, () => ({ path: join(root, "js", "src", "rest.ts") }));
  },
};
