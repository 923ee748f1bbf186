import { Ferrolite } from "ferrolite";
import { useDocument, useQuery } from "ferrolite/react";
import { createElement as h, StrictMode, startTransition, useLayoutEffect, useState } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";

import { equal, ok } from "../../support/assert.mjs";
import { counted } from "../../support/counted.mjs";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(isSo, what) {
  for (let waited = 0; !isSo(); waited++) {
    if (waited > 5000) throw new Error(`${what}: it never came to that`);
    await sleep(1);
  }
}

const shows = (root, text) => until(() => root.textContent === text, `${JSON.stringify(text)}, not ${JSON.stringify(root.textContent)}`);

async function open() {
  return counted(await Ferrolite.open(`react-${Math.random()}`, { storage: "memory" }));
}

/** Renders within StrictMode, which mounts every component twice. */
function rendered(root, element) {
  const mounted = createRoot(root);
  mounted.render(h(StrictMode, null, element));
  return { render: (next) => mounted.render(h(StrictMode, null, next)), unmount: () => mounted.unmount() };
}

function Document({ db, name }) {
  return h("span", null, textOf(name, useDocument(db, name)));
}

function textOf(name, { status, value, error }) {
  return status === "ready" ? `${name}=${JSON.stringify(value) ?? "none"};` : `${status}${error?.code ?? ""};`;
}

export const cases = {
  async "a document is shown, and whenever it changes"(root) {
    const { db } = await open();
    const { unmount } = rendered(root, h(Document, { db, name: "a" }));
    await shows(root, "a=none;");
    await db.set("a", { n: 1 });
    await shows(root, 'a={"n":1};');
    await db.delete("a");
    await shows(root, "a=none;");
    unmount();
    await db.close();
  },

  async "a collection may be asked for at each rendering"(root) {
    const { db } = await open();
    const schema = () => ({ "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } });
    const List = ({ options }) => {
      const { status, value } = useQuery(db.collection("tasks", options?.()), { orderBy: "n" });
      return h("span", null, status === "ready" ? value.map(({ key }) => key).join() : status);
    };
    for (const options of [undefined, () => ({ validate: schema() })]) {
      const { render, unmount } = rendered(root, h(List, { options }));
      await db.collection("tasks").set("a", { n: 1 });
      await shows(root, "a");
      render(h(List, { options, again: true }));
      await db.collection("tasks").set("b", { n: 2 });
      await shows(root, "a,b");
      unmount();
      await db.collection("tasks").deleteRange({});
    }
    await db.close();
  },

  async "components share one watch, also under StrictMode, and let it go"(root) {
    const { db, counts } = await open();
    await db.set("a", 1);
    const three = [1, 2, 3].map((key) => h(Document, { db, name: "a", key }));
    const { render, unmount } = rendered(root, three);
    await shows(root, "a=1;a=1;a=1;");
    equal(counts, { opened: 1, open: 1 });
    render(three.slice(1));
    await shows(root, "a=1;a=1;");
    await db.set("a", 2);
    await shows(root, "a=2;a=2;");
    equal(counts, { opened: 1, open: 1 });
    unmount();
    await until(() => counts.open === 0, "no watch");
    equal(counts.opened, 1);
    await db.close();
  },

  async "another key is another document"(root) {
    const { db, counts } = await open();
    await db.setMany([["a", 1], ["b", 2]]);
    const { render, unmount } = rendered(root, h(Document, { db, name: "a" }));
    await shows(root, "a=1;");
    render(h(Document, { db, name: "b" }));
    await shows(root, "b=2;");
    await until(() => counts.open === 1, "one watch");
    await db.set("a", 9);
    await db.set("b", 3);
    await shows(root, "b=3;");
    unmount();
    await db.close();
  },

  async "all components show the same at every moment"(root) {
    const { db } = await open();
    await db.set("a", 0);
    let differed = 0;
    let commits = 0;
    function Pair({ extra }) {
      const own = useDocument(db, "a");
      useLayoutEffect(() => {
        const [first, ...others] = [...root.querySelectorAll("span")].map(({ textContent }) => textContent);
        commits++;
        if (others.some((text) => text !== first)) differed++;
      });
      const slow = performance.now() + 2;
      while (performance.now() < slow);
      return h("div", null, h("span", null, textOf("a", own)), ...Array.from({ length: 5 + extra }, (_, key) => h(Document, { db, name: "a", key })));
    }
    let setExtra;
    function App() {
      const [extra, set] = useState(0);
      setExtra = set;
      return h(Pair, { extra });
    }
    const { unmount } = rendered(root, h(App));
    await shows(root, "a=0;".repeat(6));
    for (let n = 1; n <= 60; n++) {
      void db.set("a", n);
      startTransition(() => setExtra(n % 4));
      await sleep(n % 3);
    }
    await until(() => root.textContent.startsWith("a=60;"), "the end");
    await until(() => new Set([...root.querySelectorAll("span")].map(({ textContent }) => textContent)).size === 1, "one text");
    ok(commits > 10 && differed === 0, `${differed} of ${commits} commits`);
    unmount();
    await db.close();
  },

  async "a query is shown in its order, and asked once for the same"(root) {
    const { db, counts } = await open();
    const tasks = db.collection("tasks");
    await tasks.setMany([["a", { n: 2 }], ["b", { n: 1 }], ["c", { n: 3 }]]);
    const seen = [];
    // The query is another object whenever it is rendered.
    function List({ limit }) {
      const { value = [] } = useQuery(db, { where: { n: { gt: 0 } }, orderBy: "n", limit });
      seen.push(value);
      return value.map(({ key, value }) => `${key}${value.n}`).join(" ");
    }
    await db.setMany([["a", { n: 2 }], ["b", { n: 1 }], ["c", { n: 3 }]]);
    const { render, unmount } = rendered(root, h(List, { limit: 2 }));
    await shows(root, "b1 a2");
    const row = seen.at(-1)[0];
    render(h(List, { limit: 2 }));
    await db.set("a", { n: 1.5 });
    await shows(root, "b1 a1.5");
    ok(seen.at(-1)[0] === row, "a row that has not changed is the same object");
    equal(counts, { opened: 1, open: 1 });
    render(h(List, { limit: 3 }));
    await shows(root, "b1 a1.5 c3");
    await until(() => counts.open === 1, "one watch");
    equal(counts.opened, 2);
    await db.delete("b");
    await shows(root, "a1.5 c3");
    unmount();
    await db.close();
  },

  async "errors are told"(root) {
    const { db } = await open();
    const bad = rendered(root, h(Document, { db, name: "" }));
    await shows(root, "failedInvalidKey;");
    bad.render(h(Document, { db, name: "a" }));
    await shows(root, "a=none;");
    await db.close();
    await shows(root, "failedClosed;");
    bad.unmount();
  },

  async "it waits for a database that is still to be opened"(root) {
    const { render, unmount } = rendered(root, h(Document, { db: undefined, name: "a" }));
    await shows(root, "loading;");
    const { db } = await open();
    await db.set("a", 1);
    render(h(Document, { db, name: "a" }));
    await shows(root, "a=1;");
    unmount();
    await db.close();
  },

  async "what a server has rendered is taken over without a complaint"(root) {
    const { db } = await open();
    await db.set("a", 1);
    const app = h(StrictMode, null, h(Document, { db, name: "a" }));
    root.innerHTML = renderToString(app);
    equal(root.textContent, "loading;");
    const complaints = [];
    const mounted = hydrateRoot(root, app, { onRecoverableError: (error) => complaints.push(error.message) });
    await shows(root, "a=1;");
    equal(complaints, []);
    mounted.unmount();
    await db.close();
  },
};
