/** Why a call failed. */
export interface ErrorData {
  /** HTTP-like status: 4xx the call, 5xx the other side. */
  statusCode: number;
  /** For people; names what was wrong. */
  message: string;
  /** Stable, for programs; see docs/errors.md. */
  code: ErrorCode;
  /** Whether the same call may succeed later without a change. */
  retryable: boolean;
}

export type ErrorCode =
  | "invalid-argument" | "malformed-frame" | "unknown-method"
  | "token-missing" | "token-invalid" | "token-expired" | "token-unavailable"
  | "channel-forbidden" | "origin-forbidden"
  | "not-found" | "message-not-found" | "file-not-found"
  | "method-not-allowed" | "idempotency-conflict" | "offset-mismatch" | "file-in-use" | "gone" | "unsupported-version"
  | "content-too-large" | "file-too-large" | "unsupported-media-type" | "range-not-satisfiable"
  | "file-incomplete" | "user-not-member" | "upload-locked"
  | "too-many-requests" | "outbox-full" | "outbox-unavailable" | "checksum-mismatch"
  | "aborted" | "disconnected"
  | "internal" | "load-failed" | "upload-failed" | "unavailable" | "storage-full";

export type Status =
  | { error: false; errorData?: undefined }
  | { error: true; errorData: ErrorData };

/** A call that succeeded. */
export interface Success<R> {
  status: { error: false; errorData?: undefined };
  response: R;
}

/**
 * A call that failed. It carries no response; `never` lets `res.response.message` stand after an
 * `if (res.status.error) return;`, which TypeScript cannot follow by itself.
 */
export interface Failure {
  status: { error: true; errorData: ErrorData };
  response: never;
}

export type Result<R> = Success<R> | Failure;

/** A call that reports only whether it is done. */
export interface Done {
  status: Status;
}
