import type { Done, ErrorData } from "./result.js";

export interface StatusEvents {
  /** The connection is established. */
  "status.connected": Record<string, never>;
  /** The connection was lost, or `disconnect()` was called. A lost one reconnects automatically. */
  "status.disconnected": Record<string, never>;
  /** The connection was lost and is tried again after `delayMs`. */
  "status.reconnecting": { attempt: number; delayMs: number };
  /**
   * The SDK has stopped for a reason that a retry cannot fix (an invalid token, say). Open calls resolve
   * with this error; `connect()` starts again.
   */
  "status.failed": { error: ErrorData };
}

export interface StatusMethods {
  /** Connects, if `disconnect` was called or the SDK has failed; resolves when connected. */
  connect(): Promise<Done>;

  /** Ends the connection. Calls without an answer resolve with `disconnected`. */
  disconnect(): Promise<Done>;
}
