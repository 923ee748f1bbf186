// The code of docs/hosting.md and docs/storage.md, as in pages.tsx.
import { defined, Ferrolite } from "ferrolite";

declare const trustedTypes: {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): URL };
};
declare const owner: string | undefined;
declare const from: number | undefined;
declare const to: number | undefined;
declare global {
  interface WindowEventMap {
    fetch: Event & { readonly request: Request; respondWith(answer: Promise<Response>): void };
  }
  interface ImportMeta {
    readonly hot?: { dispose(work: () => unknown): void };
  }
  var notesDatabase: Ferrolite | undefined;
}

export async function trusted() {
const policy = trustedTypes.createPolicy("app", { createScriptURL: (url) => url });
const worker = () => new Worker(policy.createScriptURL("/assets/ferrolite-worker.js"), { type: "module" });
const db = await Ferrolite.open("notes", { worker });
  return db;
}

self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === "/api/notes") event.respondWith(answer());
});

async function answer() {
  const db = await Ferrolite.open("notes").catch(() => undefined);   // no page has it open
  if (db === undefined) return new Response(null, { status: 503 });
  try {
    return Response.json(await db.entries());
  } finally {
    await db.close();
  }
}

export async function reloaded() {
const db = await Ferrolite.open("notes");
import.meta.hot?.dispose(() => db.close());     // Vite; webpack: import.meta.webpackHot
}

export async function kept() {
const db = (globalThis.notesDatabase ??= await Ferrolite.open("data/notes"));
  return db;
}

export async function waiting() {
const db = await Ferrolite.open("notes", { lockTimeout: 10_000 });
await db.query({ where: defined({ owner, age: { gte: from, lt: to } }) });
}
