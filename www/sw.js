// The service worker: the page, the package's scripts and its wasm are kept in one cache, which is named by a digest of all of
// them. A cache is filled whole or not at all, and never changed, so the files of two versions never meet.
importScripts("offline-files.js");

const PREFIX = "ferrolite-demo-";
/** The page registers the worker with the version that it has seen; another version is another worker. */
const version = new URL(location.href).searchParams.get("version");
const cacheName = PREFIX + version;
const { current, digest, fresh } = globalThis.offlineFiles;

addEventListener("install", (event) => event.waitUntil(install()));

async function install() {
  const { version: found, files, ofPackage } = await current();
  if (found !== version) throw new Error("the page has changed again meanwhile");
  for (const { path, sha256 } of ofPackage) {
    const response = await fresh(path);
    // The server may be in the middle of an update.
    if ((await digest(await response.clone().arrayBuffer())) !== sha256) throw new Error(`${path} is not the one of this version`);
    files.push([path, response]);
  }
  try {
    const cache = await caches.open(cacheName);
    await Promise.all(files.map(([path, response]) => cache.put(path, response)));
  } catch (error) {
    await caches.delete(cacheName);
    throw error;
  }
}

addEventListener("activate", (event) => event.waitUntil(activate()));

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== cacheName) await caches.delete(name);
  }
  await clients.claim();
}

addEventListener("message", (event) => {
  if (event.data === "take over") event.waitUntil(skipWaiting());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && new URL(request.url).origin === location.origin) event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(cacheName);
  const kept = await cache.match(request, { ignoreSearch: true });
  // What asks for the newest gets it, while there is a network.
  if (kept !== undefined && request.cache !== "no-store") return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept !== undefined) return kept;
    throw error;
  }
}
