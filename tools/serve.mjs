// A small server of static files: for the demo page (`node tools/serve.mjs [port]`) and for the tests in browsers.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** What the demo page is made of, by the path it is served under. */
export const demoMounts = {
  "/ferrolite/": join(root, "js", "dist"),
  "/data/": join(root, "dist", "demo"),
  "/bench/": join(root, "bench", "browser"),
  "/": join(root, "www"),
};

const types = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".ndjson": "application/x-ndjson; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** Serves folders on localhost; resolves with `{ url, close }`. Port 0 is any that is free. `extra` headers go with all files. */
export function serve(mounts, port = 0, extra = {}) {
  const server = createServer((request, response) => {
    const file = locate(mounts, decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    if (file === undefined) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
      return;
    }
    const headers = { "content-type": types[extname(file.path)] ?? "application/octet-stream", "content-length": file.size };
    response.writeHead(200, { ...headers, "cache-control": "no-cache", ...extra });
    if (request.method === "HEAD") response.end();
    else createReadStream(file.path).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const close = () => new Promise((closed) => server.close(closed).closeAllConnections());
      resolve({ url: `http://localhost:${server.address().port}/`, close });
    });
  });
}

/** The file at a path of a URL, in the first folder that is mounted above it. */
function locate(mounts, pathname) {
  for (const [prefix, folder] of Object.entries(mounts)) {
    if (!pathname.startsWith(prefix)) continue;
    const path = normalize(join(folder, pathname.slice(prefix.length)));
    if (path !== normalize(folder) && !path.startsWith(normalize(folder + sep))) return undefined;
    for (const candidate of [path, join(path, "index.html")]) {
      const found = statSync(candidate, { throwIfNoEntry: false });
      if (found?.isFile()) return { path: candidate, size: found.size };
    }
    return undefined;
  }
  return undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(demoMounts, Number(process.argv[2] ?? process.env.PORT ?? 8080));
  console.log(`The demo page is at ${url} - end with Ctrl-C.`);
}
