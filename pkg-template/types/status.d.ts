import type { Done, ErrorData } from "./result.js";

export interface StatusEvents {
  /** The connection is established. */
  "status.connected": Record<string, never>;
  /** The connection was lost, or `disconnect()` was called. Lost connections reconnect automatically. */
  "status.disconnected": Record<string, never>;
  /** A lost connection is tried again after `delayMs` milliseconds. `attempt` counts from 1. */
  "status.reconnecting": { attempt: number; delayMs: number };
  /**
   * The SDK has stopped because of an unrecoverable error, such as an invalid token. Open calls resolve with
   * this error. `connect()` starts again.
   */
  "status.failed": { error: ErrorData };
}

export interface StatusMethods {
  /** Connects after `disconnect()` or `status.failed`. Resolves when connected. Not needed otherwise: calls connect. */
  connect(): Promise<Done>;

  /** Ends the connection. Open calls resolve with the error `disconnected`. */
  disconnect(): Promise<Done>;
}
