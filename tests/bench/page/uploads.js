// Uploads the files of the page's input in several ways.

import { memoryBytes } from "./modules.js";

import { AloChat } from "alo-chat";
import { Upload } from "tus-js-client";

/** Bytes of a chunk, for tus-js-client with chunks. */
const CHUNK = 8 * 1024 * 1024;

/**
 * Uploads files; returns the number of progress reports, and the addresses of uploads that belong to no message.
 */
const UPLOADERS = {
  async "alo-chat"(files, { endpoint, authToken, channelId }) {
    const chat = new AloChat({ endpoint, authToken });
    let reports = 0;
    chat.addEventListener("file.upload.progress", () => reports++);
    const { status, response } = await chat.sendMessage({ channelId, content: "files", files });
    chat.dispose();
    if (status.error) throw new Error(status.errorData.message);
    check(response.message.files.map(({ size }) => size), files);
    return { reports, left: [] };
  },
  /** A creation and one PATCH with the entire file: all that fetch can do. */
  async fetch(files, options) {
    const uploaded = await Promise.all(files.map((file) => fetchWhole(file, options)));
    check(uploaded.map(({ size }) => size), files);
    return { reports: 0, left: uploaded.map(({ url }) => url) };
  },
  tus: (files, options) => withTus(files, options, Infinity),
  "tus-chunks": (files, options) => withTus(files, options, CHUNK),
};

async function fetchWhole(file, { endpoint, authToken, channelId }) {
  const headers = common(authToken);
  const metadata = { filename: file.name, channelId };
  const created = await fetch(`${endpoint}/v1/files`, {
    method: "POST",
    headers: { ...headers, "Upload-Length": String(file.size), "Upload-Metadata": encoded(metadata) },
  });
  if (created.status !== 201) throw new Error(`POST answered with ${created.status}`);
  const url = new URL(created.headers.get("Location"), endpoint);
  const appended = await fetch(url, {
    method: "PATCH",
    headers: { ...headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream" },
    body: file,
  });
  if (appended.status !== 204) throw new Error(`PATCH answered with ${appended.status}`);
  return { size: Number(appended.headers.get("Upload-Offset")), url: url.href };
}

async function withTus(files, { endpoint, authToken, channelId }, chunkSize) {
  let reports = 0;
  const one = (file) =>
    new Promise((onSuccess, onError) => {
      const upload = new Upload(file, {
        endpoint: `${endpoint}/v1/files`,
        headers: { Authorization: `Bearer ${authToken}` },
        metadata: { filename: file.name, channelId },
        chunkSize,
        retryDelays: null,
        storeFingerprintForResuming: false,
        onProgress: () => reports++,
        onSuccess: () => onSuccess({ size: upload.file.size, url: upload.url }),
        onError,
      });
      upload.start();
    });
  const uploaded = await Promise.all(files.map(one));
  check(uploaded.map(({ size }) => size), files);
  return { reports, left: uploaded.map(({ url }) => url) };
}

function common(authToken) {
  return { "Tus-Resumable": "1.0.0", Authorization: `Bearer ${authToken}` };
}

function encoded(metadata) {
  return Object.entries(metadata).map(([key, value]) => `${key} ${btoa(value)}`).join(",");
}

function check(sizes, files) {
  if (sizes.length !== files.length || sizes.some((size, index) => size !== files[index].size)) {
    throw new Error(`uploaded ${sizes} bytes of ${files.map(({ size }) => size)}`);
  }
}

globalThis.bench = {
  /** Milliseconds until all files of the input are up, and the bytes of the modules' memory then. */
  async upload(uploader, options) {
    const files = [...document.querySelector("input").files];
    const started = performance.now();
    const { reports, left } = await UPLOADERS[uploader](files, options);
    const ms = performance.now() - started;
    // Large files, many times: what can go goes.
    for (const url of left) await fetch(url, { method: "DELETE", headers: common(options.authToken) });
    return { ms, reports, wasm: memoryBytes() };
  },
};
