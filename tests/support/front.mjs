// A reverse proxy before a gateway, as a test sets it up.

import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { connect } from "node:net";

/**
 * Starts it; resolves to its address. `answer` may answer a request itself, and returns whether it did; without
 * `upgrade` the proxy forwards no upgrade of a connection, as one that was not told to.
 */
export async function front(t, endpoint, { answer = () => false, upgrade = true } = {}) {
  const { hostname, port } = new URL(endpoint);
  const server = createServer((request, response) => {
    if (answer(request, response)) return;
    const { method, url: path } = request;
    // Those of a connection are for the next hop alone.
    const { connection: _, upgrade: __, ...headers } = request.headers;
    const forwarded = forward({ hostname, port, method, path, headers }, (reply) => {
      response.writeHead(reply.statusCode, reply.rawHeaders);
      reply.pipe(response);
    });
    forwarded.on("error", () => response.destroy());
    request.pipe(forwarded);
  });
  if (upgrade) {
    server.on("upgrade", (request, socket, head) => {
      const gateway = connect(port, hostname);
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`);
      gateway.write(`${lines.join("\r\n")}\r\n\r\n`);
      gateway.write(head);
      gateway.pipe(socket).pipe(gateway);
      for (const end of [gateway, socket]) end.on("error", () => (gateway.destroy(), socket.destroy()));
    });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
