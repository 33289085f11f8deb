// A small web server for the pages of the tests.

import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";

const brotli = promisify(brotliCompress);

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * Serves `folder` on a free port until the test ends. `files` are served from memory and come first;
 * a value that is no string is sent as JSON. `csp` is the Content-Security-Policy of every answer, `headers`
 * are others. With `compress` files are sent in Brotli, as small as it can make them.
 */
export async function serve(t, folder, { files = {}, csp, headers = {}, compress = false } = {}) {
  const compressed = new Map();
  const requested = [];
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const name = path.endsWith("/") ? `${path}index.html` : path;
    requested.push(name);
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (csp) response.setHeader("Content-Security-Policy", csp);
    for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
    if (Object.hasOwn(files, name)) {
      const isText = typeof files[name] === "string";
      response.setHeader("Content-Type", isText ? (TYPES[extname(name)] ?? "text/plain") : TYPES[".json"]);
      response.end(isText ? files[name] : JSON.stringify(files[name]));
      return;
    }
    const file = normalize(join(folder, name));
    const found = file.startsWith(normalize(folder + sep)) && (await stat(file).catch(() => undefined))?.isFile();
    if (!found) {
      response.writeHead(404).end();
      return;
    }
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    if (compress) {
      if (!compressed.has(file)) compressed.set(file, brotli(await readFile(file)));
      response.setHeader("Content-Encoding", "br");
      response.end(await compressed.get(file));
      return;
    }
    createReadStream(file).pipe(response);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, requested };
}
