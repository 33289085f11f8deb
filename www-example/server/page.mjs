// The files of the built page, kept in memory: no other path can be requested.

import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** All files of a folder, by the path they are served under. */
export async function loadPage(folder) {
  const root = fileURLToPath(folder);
  const files = new Map();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath ?? entry.path, entry.name);
    const path = `/${relative(root, file).split(sep).join("/")}`;
    files.set(path, {
      body: await readFile(file),
      type: TYPES[extname(file)] ?? "application/octet-stream",
      // Vite puts a hash of the content into the names of these.
      cache: path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    });
  }
  files.set("/", files.get("/index.html"));
  if (!files.get("/")) throw new Error("no index.html");
  return files;
}

export function servePage(request, response, files) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { Allow: "GET, HEAD" }).end();
    return;
  }
  const file = files.get(request.url.split("?", 1)[0]);
  if (!file) {
    response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("There is nothing here.\n");
    return;
  }
  response.writeHead(200, {
    "Content-Type": file.type,
    "Content-Length": file.body.length,
    "Cache-Control": file.cache,
  });
  response.end(request.method === "HEAD" ? undefined : file.body);
}
