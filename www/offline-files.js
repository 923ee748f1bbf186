// What the page is made of, for the page and for its service worker: both run this, and it is no module, for not every
// browser lets a service worker be one.
(() => {
  /** The page's own files, relative to it. */
  const own = [
    "./",
    "style.css",
    "icon.svg",
    "failing.js",
    "app.js",
    "copies.js",
    "data-set.js",
    "explore.js",
    "facts.js",
    "journal.js",
    "load.js",
    "ndjson.js",
    "notes.js",
    "offline.js",
    "offline-files.js",
    "sw.js",
    "trouble.js",
  ];
  /** It names the package's files, with a digest of each. */
  const provenance = "ferrolite/provenance.json";
  const needed = /^(index|administration|byte-source|failover|deferred|stores|worker|broker|shared-browser-.*)\.js$/;

  async function digest(bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** From the network, whatever any cache has. */
  async function fresh(path) {
    const response = await fetch(path, { cache: "no-store" });
    if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
    return response;
  }

  /** The files that make the page as the server has it now, but for the package's, and one digest for all. */
  async function current() {
    const paths = [...own, provenance];
    const responses = await Promise.all(paths.map(fresh));
    const digests = await Promise.all(responses.map(async (response) => digest(await response.clone().arrayBuffer())));
    const version = (await digest(new TextEncoder().encode(digests.join()))).slice(0, 16);
    const { parts, scripts } = await responses.at(-1).clone().json();
    const ofPackage = Object.entries({ ...parts, ...scripts })
      .filter(([name]) => name in parts || needed.test(name))
      .map(([name, sha256]) => ({ path: `ferrolite/${name}`, sha256 }));
    return { version, files: paths.map((path, n) => [path, responses[n]]), ofPackage };
  }

  globalThis.offlineFiles = { current, digest, fresh };
})();
