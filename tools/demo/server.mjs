// Serves the files of a folder on localhost, for pages that run in a test browser.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".ndjson": "application/x-ndjson",
};

/** Serves `root`; port 0 is any free one. Gives the address, and how to stop. */
export async function serve(root, port) {
  const server = createServer((request, response) => {
    const path = join(root, normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname)));
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "content-length": found.size });
    createReadStream(path).pipe(response);
  });
  await new Promise((resolve) => server.listen(port, "localhost", resolve));
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { url: `http://localhost:${server.address().port}`, close };
}
