import type { ErrorData, Result } from "./result.js";

/** A file of a message. */
export interface ChatFile {
  /** UUID. */
  id: string;
  channelId: string;
  /** As on the sender's disk: untrusted. */
  name: string;
  /** Unix time in milliseconds. */
  lastModified: number;
  /** Bytes. */
  size: number;
  /** As the sender's browser said: untrusted. */
  contentType: string;
  /** Where it can be downloaded with the token in an `Authorization` header; see `downloadFile`. */
  url: string;
}

/** A file on its way up, in `file.upload.*`. */
export interface UploadingFile {
  /** Set once the gateway has assigned one. */
  id?: string;
  channelId: string;
  name: string;
  lastModified: number;
  size: number;
  contentType: string;
  /** The very `File` that was passed to `sendMessage`. */
  source: File;
}

export interface FileEvents {
  /** `percent` is 0 to 100, and 100 only when everything is uploaded. */
  "file.upload.progress": { file: UploadingFile; percent: number };
  "file.upload.complete": { file: UploadingFile };
  "file.upload.error": { file: UploadingFile; error: ErrorData };
}

export interface FileMethods {
  /** The bytes of a message's file, fetched with the token. */
  downloadFile(options: { file: ChatFile; signal?: AbortSignal }): Promise<Result<{ blob: Blob }>>;
}
