import type { Done, ErrorData } from "./result.js";

/** Why the connection is tried again. All codes are explained in docs/errors.md. */
export type ReconnectCode =
  | "offline" | "blocked" | "not-opened" | "refused" | "lost" | "timed-out" | "events-missing" | "token-unavailable";

/** Why the connection is tried again, as far as a browser says. */
export interface ReconnectCause {
  /** For programs: stable. */
  code: ReconnectCode;
  /** For people. */
  message: string;
}

export interface StatusEvents {
  /** The connection is established. */
  "status.connected": Record<string, never>;
  /** The connection was lost, or `disconnect()` was called. Lost connections reconnect automatically. */
  "status.disconnected": Record<string, never>;
  /**
   * A lost connection is tried again after `delayMs` milliseconds. `attempt` counts from 1, `cause` says why.
   * After three failed attempts in a row `hint` names the settings to check.
   */
  "status.reconnecting": { attempt: number; delayMs: number; cause: ReconnectCause; hint?: string };
  /**
   * The SDK has stopped because of an unrecoverable error, such as an invalid token or a page
   * whose origin the gateway does not allow. Open calls resolve with
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
