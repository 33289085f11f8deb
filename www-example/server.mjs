// Serves the built page and gets tokens for it, so that the API key never reaches a browser.

import { createServer } from "node:http";

import { loadPage, servePage } from "./server/page.mjs";
import { pageHeaders } from "./server/policy.mjs";
import { answerToken } from "./server/tokens.mjs";

const apiKey = process.env.ALO_API_KEY;
if (!apiKey)
  stop("ALO_API_KEY is not set. Give it the key the gateway was started with (or showed at its first start).");
const endpoint = checkedEndpoint(process.env.ALO_ENDPOINT || "http://127.0.0.1:8787");
const port = checkedPort(process.env.PORT || "5173");
const page = await loadPage(new URL("./dist/", import.meta.url)).catch(() =>
  stop("There is no built page in www-example/dist. Run `npm run build` first."),
);

const headers = pageHeaders(endpoint);
const server = createServer((request, response) => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const path = request.url?.split("?", 1)[0];
  const answered =
    path === "/api/token" ? answerToken(request, response, { endpoint, apiKey }) : servePage(request, response, page);
  Promise.resolve(answered).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});

server.on("error", (error) => stop(`Cannot listen on 127.0.0.1:${port}: ${error.message}`));
server.listen(port, "127.0.0.1", () => console.log(`example on http://127.0.0.1:${server.address().port}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

function checkedEndpoint(text) {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    stop(`ALO_ENDPOINT must be an http:// or https:// URL, but is ${text}`);
  }
  return text.replace(/\/+$/, "");
}

function checkedPort(text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) stop(`PORT must be a port number, but is ${text}`);
  return number;
}

function stop(message) {
  console.error(message);
  process.exit(1);
}
