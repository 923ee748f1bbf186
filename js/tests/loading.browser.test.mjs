// The options `wasmUrl`, `wasmModule` and `worker`, in real Chromium, where neither file is found beside the package.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { installPacked, projects } from "./support/packed.mjs";

const tests = dirname(fileURLToPath(import.meta.url));
let packed, server, browser, page;

before(async () => {
  packed = installPacked();
  const dist = join(packed.installed, "dist");
  const put = (folder, names) => {
    mkdirSync(join(packed.directory, folder));
    for (const name of names) copyFileSync(join(dist, name), join(packed.directory, folder, name));
  };
  put("no-wasm", ["index.js", "administration.js", "failover.js", "deferred.js", "worker.js"]);
  put("no-worker", ["index.js", "administration.js", "failover.js", "deferred.js"]);
  put("elsewhere", ["worker.js", "ferrolite_bg.wasm", "ferrolite_first.wasm", "ferrolite_rest.wasm"]);
  put("first-part", ["index.js", "administration.js", "failover.js", "deferred.js", "worker.js", "broker.js", "ferrolite_first.wasm"]);
  put("whole", ["index.js", "administration.js", "failover.js", "deferred.js", "worker.js", "broker.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"]);
  put("page-for-rest", ["index.js", "administration.js", "failover.js", "deferred.js", "worker.js", "broker.js", "ferrolite_first.wasm"]);
  writeFileSync(join(packed.directory, "page-for-rest", "ferrolite_rest.wasm"), "<!doctype html><p>The page of the application</p>");
  copyFileSync(join(projects, "app", "run.js"), join(packed.directory, "run.js"));
  server = await serve({ "/tests/": tests, "/": packed.directory });
  browser = await startChromium();
  page = await browser.context.newPage();
  await page.goto(`${server.url}tests/projects/blank.html`);
});

after(async () => {
  await browser?.close();
  await server?.close();
  packed?.close();
});

/** Runs a function of the page, with the package as it is in this folder; what it comes to, or the error. */
async function on(folder, work, argument) {
  return page.evaluate(
    async ([folder, text, argument]) => {
      const ferrolite = await import(`/${folder}/index.js`);
      const { run } = await import("/run.js");
      try {
        return await (0, eval)(`(${text})`)({ ...ferrolite, run }, argument);
      } catch ({ code, message }) {
        return { code, message };
      }
    },
    [folder, work.toString(), argument],
  );
}

const FOUND = { found: ["b"], kind: "memory" };
const plain = (ferrolite, options) => ferrolite.run(ferrolite, "loading", { storage: "memory", ...options });

test("where the wasm is missing, the error names its address", async () => {
  const { code, message } = await on("no-wasm", plain);
  assert.equal(code, "Io");
  assert.match(message, /could not be loaded from http.*\/no-wasm\/ferrolite_first\.wasm: the server answered 404/);
});

test("where the second part of the wasm is missing, or a page is in its place, the error names its address", async () => {
  const index = async ({ Ferrolite }) => {
    const db = await Ferrolite.open("second-part", { storage: "memory" });
    await db.set("a", { b: 1 });
    await db.createIndex("b");
    return db.query({ where: { b: 1 } });
  };
  for (const folder of ["first-part", "page-for-rest"]) {
    const { code, message } = await on(folder, index);
    assert.equal(code, "Io", message);
    assert.match(message, new RegExp(`could not be loaded from http.*/${folder}/ferrolite_rest\\.wasm: `));
  }
});

test("wasmUrl: relative to the page, absolute, or a URL", async () => {
  assert.deepEqual(await on("no-wasm", plain, { wasmUrl: "../../elsewhere/ferrolite_bg.wasm" }), FOUND);
  assert.deepEqual(await on("no-wasm", plain, { wasmUrl: `${server.url}elsewhere/ferrolite_bg.wasm` }), FOUND);
  const byUrl = (ferrolite) => ferrolite.run(ferrolite, "loading", { storage: "memory", wasmUrl: new URL("/elsewhere/ferrolite_bg.wasm", location.href) });
  assert.deepEqual(await on("no-wasm", byUrl), FOUND);
  assert.equal((await on("no-wasm", plain, { wasmUrl: "none.wasm" })).code, "Io");
});

test("wasmModule: compiled once, for several databases", async () => {
  const work = async (ferrolite) => {
    const wasmModule = await WebAssembly.compileStreaming(fetch("/elsewhere/ferrolite_bg.wasm"));
    return Promise.all([1, 2].map((n) => ferrolite.run(ferrolite, `module-${n}`, { storage: "memory", wasmModule })));
  };
  assert.deepEqual(await on("no-wasm", work), [FOUND, FOUND]);
});

test("export, import and salvage take them, too", async () => {
  const work = async ({ Ferrolite, run, ...others }) => {
    const wasmUrl = "/elsewhere/ferrolite_bg.wasm";
    await Ferrolite.delete("loaded");
    await run({ Ferrolite, ...others }, "loaded", { wasmUrl });
    const report = await Ferrolite.salvage("loaded", "salvaged", { wasmUrl });
    const db = await Ferrolite.open("salvaged", { wasmUrl });
    const bytes = await new Response(await db.export()).arrayBuffer();
    await db.close();
    const imported = await Ferrolite.import("imported", bytes, { wasmUrl, storage: "memory" });
    const a = await imported.get("a");
    await imported.close();
    return { lost: report.lost.length, a };
  };
  assert.deepEqual(await on("no-wasm", work), { lost: 0, a: { n: 1 } });
});

test("opening a database and reading from it takes the first part of the engine alone, whatever there is in it", async () => {
  const fill = async ({ Ferrolite }, count) => {
    // Many tables.
    const db = await Ferrolite.open(`loading-${count}`, { memtableSize: 16 << 10 });
    await db.createIndex("group");
    const pair = (number) => [`key:${number}`, { number, group: number % 10, text: "0123456789".repeat(20) }];
    for (let from = 0; from < count; from += 100) await db.setMany(Array.from({ length: 100 }, (_, at) => pair(from + at)));
    await db.close();
    return count;
  };
  const read = async ({ Ferrolite }, count) => {
    const db = await Ferrolite.open(`loading-${count}`);
    await db.createIndex("group");
    return (await db.get("key:77")).number;
  };
  for (const count of [100, 2000, 10_000]) {
    assert.deepEqual(await on("whole", fill, count), count);
    assert.deepEqual(await on("first-part", read, count), 77);
    // The database goes with its page.
    await page.goto(`${server.url}tests/projects/blank.html`);
  }
});

test("where the worker is missing, the error says what to do", async () => {
  const { code, message } = await on("no-worker", plain);
  assert.equal(code, "Io");
  assert.match(message, /worker failed.*ferrolite\/inline/);
});

test("worker: a function that makes one", async () => {
  const work = async (ferrolite) => {
    let made = 0;
    const worker = () => {
      made++;
      return new Worker("/elsewhere/worker.js", { type: "module" });
    };
    const found = [];
    for (const name of ["a", "b"]) found.push(await ferrolite.run(ferrolite, name, { storage: "memory", worker }));
    return { found, made };
  };
  assert.deepEqual(await on("no-worker", work), { found: [FOUND, FOUND], made: 2 });
});

test("worker: a Worker, for one database", async () => {
  const work = async (ferrolite) => {
    const worker = new Worker("/elsewhere/worker.js", { type: "module" });
    const first = await ferrolite.run(ferrolite, "once", { storage: "memory", worker });
    const second = await ferrolite.run(ferrolite, "twice", { storage: "memory", worker }).catch(({ code, message }) => ({ code, message }));
    return { first, second };
  };
  const { first, second } = await on("no-worker", work);
  assert.deepEqual(first, FOUND);
  assert.equal(second.code, "InvalidOptions");
  assert.match(second.message, /a function/);
});

test("worker and wasmModule together", async () => {
  const work = async (ferrolite) => {
    const wasmModule = await WebAssembly.compileStreaming(fetch("/elsewhere/ferrolite_bg.wasm"));
    const worker = () => new Worker("/no-wasm/worker.js", { type: "module" });
    return ferrolite.run(ferrolite, "both", { storage: "memory", worker, wasmModule });
  };
  assert.deepEqual(await on("no-worker", work), FOUND);
});

test("what is none of these is told before anything is started", async () => {
  const work = async (ferrolite) => {
    const wasmModule = await WebAssembly.compileStreaming(fetch("/elsewhere/ferrolite_bg.wasm"));
    const bad = [
      { wasmUrl: 1 }, { wasmUrl: null }, { wasmUrl: "http://[" }, { wasmModule: {} }, { wasmModule: "x" }, { wasmModule: null },
      { wasmUrl: "/elsewhere/ferrolite_bg.wasm", wasmModule }, { worker: "worker.js" }, { worker: {} }, { worker: null },
      { worker: () => "worker.js" }, { worker: () => undefined },
    ];
    const codes = [];
    for (const options of bad) {
      codes.push(await ferrolite.run(ferrolite, "bad", { storage: "memory", ...options }).then(() => "none", ({ code }) => code));
      codes.push(await ferrolite.Ferrolite.salvage("bad", "worse", options).then(() => "none", ({ code }) => code));
    }
    return codes.filter((code) => code !== "InvalidOptions");
  };
  assert.deepEqual(await on("no-wasm", work), []);
});

test("a function that throws is told with what it threw", async () => {
  const work = (ferrolite) => {
    const worker = () => {
      throw new Error("no more workers");
    };
    return ferrolite.run(ferrolite, "throws", { storage: "memory", worker });
  };
  const { code, message } = await on("no-worker", work);
  assert.equal(code, "Unsupported");
  assert.match(message, /no more workers/);
});

test("from another site: the inline build works, and the other says what to do", async () => {
  const other = await serve({ "/": join(packed.installed, "dist") }, 0, { "access-control-allow-origin": "*" });
  try {
    const from = (name, options) =>
      page.evaluate(
        async ([url, options]) => {
          const ferrolite = await import(url);
          const { run } = await import("/run.js");
          if (options.ownWorker) options.worker = () => new Worker("/elsewhere/worker.js", { type: "module" });
          const { ownWorker: _, ...rest } = options;
          return run(ferrolite, "other-site", { storage: "memory", ...rest }).catch(({ code, message }) => ({ code, message }));
        },
        [other.url + name, options],
      );
    assert.deepEqual(await from("inline.js", {}), FOUND);
    assert.deepEqual(await from("index.js", { ownWorker: true }), FOUND);
    const { code, message } = await from("index.js", {});
    assert.equal(code, "Unsupported");
    assert.match(message, /ferrolite\/inline/);
  } finally {
    await other.close();
  }
});
