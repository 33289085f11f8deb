import type { ErrorData, Result } from "./result.js";

/** A file attached to a message. */
export interface ChatFile {
  /** UUID. */
  id: string;
  channelId: string;
  /** The file name on the sender's device. Untrusted. */
  name: string;
  /** Unix time in milliseconds. */
  lastModified: number;
  /** Bytes. */
  size: number;
  /** The MIME type as the sender's browser reported it. Untrusted. */
  contentType: string;
  /** Needs the token in an `Authorization` header, so it doesn't work as an `<img src>`; see `downloadFile`. */
  url: string;
}

/** A file that is being uploaded, in `file.upload.*` events. */
export interface UploadingFile {
  /** UUID, once the gateway has assigned one. */
  id?: string;
  channelId: string;
  name: string;
  /** Unix time in milliseconds. */
  lastModified: number;
  /** Bytes. */
  size: number;
  /** MIME type. */
  contentType: string;
  /** The same `File` object that was passed to `sendMessage`. */
  source: File;
}

export interface FileEvents {
  /** Part of a file was uploaded. `percent` is 0 to 100; it is 100 only when the upload is complete. */
  "file.upload.progress": { file: UploadingFile; percent: number };
  /** A file was uploaded. Its message is sent when all its files are. */
  "file.upload.complete": { file: UploadingFile };
  /** A file could not be uploaded. Its message is not sent, and `sendMessage` resolves with an error. */
  "file.upload.error": { file: UploadingFile; error: ErrorData };
}

export interface FileMethods {
  /**
   * Downloads a file of a message as a `Blob`. The token is sent with the request and
   * renewed once if the gateway refuses it.
   *
   * Errors: `file-not-found`, `unavailable` (the network failed), `aborted`.
   *
   * @example
   * ```js
   * const { status, response } = await chat.downloadFile({ file: message.files[0] });
   * if (!status.error) image.src = URL.createObjectURL(response.blob);
   * ```
   */
  downloadFile(options: { file: ChatFile; signal?: AbortSignal }): Promise<Result<{ blob: Blob }>>;
}
