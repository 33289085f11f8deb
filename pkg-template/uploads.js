// The HTTP requests of uploads. The engine decides which one is next (tus 1.0); bytes of a file are named by range
// and never enter its memory.

/** Makes the part of the engine's host that sends these requests; `done` receives their answers. */
export function uploads(endpoint, done) {
  const running = new Map();

  async function http(id, method, token, location, key, start, end, size, channelId, file) {
    const controller = new AbortController();
    const { signal } = controller;
    running.set(id, controller);
    const headers = { Authorization: `Bearer ${token}`, "Tus-Resumable": "1.0.0" };
    if (method === "PATCH") headers["Upload-Offset"] = start;
    if (key) {
      headers["Idempotency-Key"] = key;
      headers["Upload-Length"] = size;
      headers["Upload-Metadata"] = metadata(file, channelId);
    }
    let body, reply;
    if (end > start) {
      headers["Content-Type"] = "application/offset+octet-stream";
      body = file.slice(start, end);
    }
    try {
      if ((key || body) && !(await canRead(file, start, size))) {
        reply = { status: 0, error: failed("was changed or deleted, or can no longer be read") };
      } else {
        // Behind a proxy the gateway does not know its full address, and the token is sent only to the endpoint.
        const url = `${endpoint}/v1/files${location ? `/${location.split("/").at(-1)}` : ""}`;
        // "manual": a redirect is seen, and is not followed with the token.
        const answer = await fetch(url, { method, headers, body, signal, redirect: "manual" });
        const { status } = answer;
        reply = {
          status,
          offset: answer.headers.get("upload-offset"),
          location: answer.headers.get("location"),
          error: status ? await errorOf(answer) : failed("the gateway answered with a redirect"),
        };
      }
    } catch {
      // The network failed.
    }
    // The answer to a cancelled request is dropped.
    if (running.delete(id)) done(id, reply);
  }

  function cancelHttp(id) {
    running.get(id)?.abort();
    running.delete(id);
  }

  return { http, cancelHttp };
}

/** The error in an answer's body; a proxy's error page is not JSON. */
export async function errorOf(answer) {
  return answer.ok ? undefined : (await answer.json().catch(() => undefined))?.status?.errorData;
}

/**
 * Whether a file is still what the user chose, by the byte at `start`. `fetch` does not say: with a file that was
 * deleted it fails as without a network, or sends nothing and waits. A size that nobody had read before is 0 then.
 */
async function canRead(file, start, size) {
  try {
    const { byteLength } = await (size ? file.slice(start, start + 1) : file).arrayBuffer();
    return !byteLength === !size;
  } catch {
    return false;
  }
}

function failed(message) {
  return { statusCode: 502, message, code: "upload-failed", retryable: true };
}

function metadata(file, channelId) {
  const entries = { filename: file.name, filetype: file.type, channelId, lastModified: Math.max(0, file.lastModified) };
  return Object.entries(entries).map(([key, value]) => `${key} ${base64(`${value}`)}`).join();
}

/** Base64 of UTF-8: `btoa` takes one byte a character. */
function base64(text) {
  return btoa(unescape(encodeURIComponent(text)));
}
