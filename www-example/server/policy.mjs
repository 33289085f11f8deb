// What the page may do: run its own scripts, and talk to this server and the gateway.

/** Headers of every answer. */
export function pageHeaders(endpoint) {
  const gateway = new URL(endpoint).origin;
  const policy = {
    "default-src": "'none'",
    // The engine is WebAssembly; no other code is made at run time.
    "script-src": "'self' 'wasm-unsafe-eval'",
    "style-src": "'self'",
    // blob: is a preview of an image that was fetched with the token.
    "img-src": "'self' blob: data:",
    "connect-src": `'self' ${gateway} ${gateway.replace(/^http/, "ws")}`,
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    // Only DOMPurify may make HTML of a string.
    "require-trusted-types-for": "'script'",
    "trusted-types": "dompurify",
  };
  return {
    "Content-Security-Policy": Object.entries(policy)
      .map(([name, value]) => `${name} ${value}`)
      .join("; "),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
  };
}
