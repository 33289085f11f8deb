/** Why a call failed. All codes are listed in docs/errors.md. */
export interface ErrorData {
  /** HTTP-like status: 4xx is the caller's error, 5xx the gateway's or the network's. */
  statusCode: number;
  /** For people: names what was wrong. May change between versions. */
  message: string;
  /** For programs: stable, never changes its meaning. */
  code: ErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  retryable: boolean;
}

/** Stable error codes; see docs/errors.md. */
export type ErrorCode =
  | "invalid-argument" | "malformed-frame" | "unknown-method"
  | "token-missing" | "token-invalid" | "token-expired" | "token-revoked" | "token-unavailable"
  | "channel-forbidden" | "key-forbidden" | "user-banned" | "user-muted" | "origin-forbidden"
  | "not-found" | "message-not-found" | "file-not-found"
  | "method-not-allowed" | "idempotency-conflict" | "offset-mismatch" | "file-in-use" | "gone" | "unsupported-version"
  | "content-too-large" | "file-too-large" | "quota-exceeded" | "unsupported-media-type" | "range-not-satisfiable"
  | "file-incomplete" | "user-not-member" | "upload-locked"
  | "too-many-requests" | "outbox-full" | "outbox-unavailable" | "checksum-mismatch"
  | "aborted" | "disconnected"
  | "internal" | "load-failed" | "upload-failed" | "unavailable" | "storage-full";

/** Whether a call failed. Checking `status.error` narrows `status.errorData`. */
export type Status =
  | { error: false; errorData?: undefined }
  | { error: true; errorData: ErrorData };

/** A call that succeeded. */
export interface Success<R> {
  status: { error: false; errorData?: undefined };
  response: R;
}

/**
 * A call that failed. It has no `response`. The type `never` lets `res.response.message` compile after
 * `if (res.status.error) return;`, as TypeScript doesn't narrow `res` by a nested key.
 */
export interface Failure {
  status: { error: true; errorData: ErrorData };
  response: never;
}

/**
 * What a call resolves to. Promises resolve also when the call failed: check `status.error` first.
 *
 * @example
 * ```js
 * const { status, response } = await chat.sendMessage({ channelId: "alpha", content: "Hello" });
 * if (status.error) console.error(status.errorData.code, status.errorData.message);
 * else console.log(response.message.id);
 * ```
 */
export type Result<R> = Success<R> | Failure;

/** The result of a call that has no response. */
export interface Done {
  status: Status;
}
