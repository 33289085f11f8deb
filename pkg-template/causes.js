// Adds to errors and events what the engine cannot know: the page it runs in.

const DOCS = "https://github.com/alo-chat/alo-chat/blob/main/docs/connecting.md";

/** Adds to the data of `status.reconnecting`. */
export function explain(data, blocked) {
  const because = (code, message) => (data.cause = { code, message });
  if (globalThis.navigator?.onLine === false) because("offline", "the browser is offline");
  else if (blocked) because("blocked", `the page's Content-Security-Policy forbids ${blocked}: add it to connect-src`);
  else if (data.attempt > 2 && ["not-opened", "refused", "timed-out"].includes(data.cause.code)) {
    data.hint = `check the endpoint, the gateway's --allow-origin, the proxy's Upgrade headers and the page's connect-src: ${DOCS}`;
  }
}

/** Names the page in an error about its origin. */
export function nameOrigin(error) {
  if (error?.code === "origin-forbidden") error.message += `; start it with --allow-origin ${globalThis.origin}`;
}
