// POST /api/token: who asks gets a token for the example's channels.
//
// A real app takes the user from its own session. Here anyone may be anyone: it is a demonstration, and
// that is why it listens on this machine alone.

const CHANNELS = [
  { id: "general", name: "general", topic: "Everything and everyone" },
  { id: "random", name: "random", topic: "Off topic, on purpose" },
  { id: "design", name: "design", topic: "Sketches, drafts and second thoughts" },
];
const TTL_MINUTES = 60;
const BODY_BYTES = 4096;
const NAME_CHARACTERS = 40;
const GATEWAY_MS = 10_000;

/** An answer that is not a token; its message is for people. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function answerToken(request, response, gateway) {
  response.setHeader("Cache-Control", "no-store");
  try {
    checkCaller(request);
    const name = checkedName(await readJson(request));
    const token = await mint(gateway, name);
    sendJson(response, 200, { token, endpoint: gateway.endpoint, channels: CHANNELS, userId: name });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 405) response.setHeader("Allow", "POST");
    // What is left of the body is not read.
    if (!request.complete) response.setHeader("Connection", "close");
    sendJson(response, error.status, { error: error.message });
  }
}

/** Only the page this server serves: not another site, and not one whose name was pointed at this machine. */
function checkCaller({ method, headers, socket }) {
  if (method !== "POST") throw new Refusal(405, "Ask with POST.");
  const port = socket.localPort;
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const site = headers["sec-fetch-site"];
  const strange =
    !hosts.includes(headers.host) ||
    (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) ||
    (site !== undefined && site !== "same-origin");
  if (strange) throw new Refusal(403, "Tokens are issued to the example's own page only.");
  if (!/^application\/json\b/i.test(headers["content-type"] ?? "")) throw new Refusal(415, "The body must be JSON.");
}

async function readJson(request) {
  const chunks = [];
  let size = 0;
  // The connection stays open when this ends early, so that the refusal can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > BODY_BYTES) throw new Refusal(413, "The body is too large.");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new Refusal(400, "The body must be JSON.");
  }
}

function checkedName(body) {
  const given = body?.name;
  if (typeof given !== "string") throw new Refusal(400, "A name is needed.");
  const name = given.normalize("NFC").trim();
  if (name === "") throw new Refusal(400, "A name is needed.");
  if ([...name].length > NAME_CHARACTERS) throw new Refusal(400, `A name has at most ${NAME_CHARACTERS} characters.`);
  // Marks that turn the direction of text could make one name look like another.
  if (/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(name)) {
    throw new Refusal(400, "A name must not hold control characters.");
  }
  return name;
}

async function mint({ endpoint, apiKey }, userId) {
  let answer;
  try {
    answer = await fetch(`${endpoint}/v1/auth`, {
      method: "POST",
      headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ ttl: TTL_MINUTES, user: { id: userId }, channelIds: CHANNELS.map(({ id }) => id) }),
      signal: AbortSignal.timeout(GATEWAY_MS),
    });
  } catch {
    throw new Refusal(502, `The gateway at ${endpoint} does not respond.`);
  }
  if (answer.status === 401) throw new Refusal(502, "The gateway does not accept ALO_API_KEY.");
  const body = await answer.json().catch(() => undefined);
  if (!answer.ok || typeof body?.token !== "string") {
    throw new Refusal(
      502,
      `The gateway returned no token: ${body?.status?.errorData?.message ?? `status ${answer.status}`}`,
    );
  }
  return body.token;
}

function sendJson(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify(body));
}
