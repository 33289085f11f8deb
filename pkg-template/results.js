// Calls written in JavaScript over the results of others: downloads, iterating over history.

import { errorOf } from "./uploads.js";

/** `{status, response}` of a call that failed. */
export function failure(errorData) {
  return { status: { error: true, errorData } };
}

/** `errorData` of a call whose signal was aborted. */
export function aborted() {
  return { statusCode: 499, message: "the signal was aborted", code: "aborted", retryable: false };
}

/** The bytes of a file. `first` is the result of fetching the token, `again` fetches another one. */
export async function download(url, signal, first, again) {
  let token = first;
  for (let tries = 0; !token.status.error; tries++) {
    const headers = { Authorization: `Bearer ${token.response}` };
    let answer, blob, error;
    try {
      // "manual": a redirect is seen, and is not followed with the token.
      answer = await fetch(url, { headers, signal, redirect: "manual" });
      if (answer.ok) blob = await answer.blob();
      else error = await errorOf(answer);
    } catch {
      const why = signal?.aborted
        ? aborted()
        : unavailable("the network failed during the download");
      return failure(why);
    }
    if (blob) return { status: { error: false }, response: { blob } };
    if (answer.status === 401 && tries === 0) token = await again(token.response);
    else return failure(error ?? unavailable(`the gateway answered with ${answer.status ? `status ${answer.status}` : "a redirect"}`));
  }
  return token;
}

/** Every message of a channel, newest to oldest. */
export async function* pages(chat, options) {
  let olderPageToken;
  do {
    const { status, response } = await chat.fetchHistory({ ...options, olderPageToken });
    if (status.error) throw Object.assign(new Error(status.errorData.message), status.errorData);
    yield* response.messages;
    ({ olderPageToken } = response);
  } while (olderPageToken);
}

function unavailable(message) {
  return { statusCode: 503, message, code: "unavailable", retryable: true };
}
