// Who is signed in, and the tokens they get from the example's server.

export interface ChannelInfo {
  id: string;
  name: string;
  topic: string;
}

export interface Access {
  token: string;
  endpoint: string;
  channels: ChannelInfo[];
  userId: string;
}

const KEY = "alo-example.name";

/** The name kept for a reload of this tab. */
export function rememberedName(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined;
}

export function rememberName(name: string): void {
  sessionStorage.setItem(KEY, name);
}

export function forgetName(): void {
  sessionStorage.removeItem(KEY);
}

/** Asks the server for a token; throws an `Error` whose message is for people. */
export async function fetchAccess(name: string): Promise<Access> {
  let answer: Response;
  try {
    answer = await fetch("/api/token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name }),
    });
  } catch {
    throw new Error("The server cannot be reached. Check the connection and try again.");
  }
  const body: unknown = await answer.json().catch(() => undefined);
  if (answer.ok && isAccess(body)) return body;
  throw new Error(refusal(body) ?? `The server answered with status ${answer.status}.`);
}

function isAccess(body: unknown): body is Access {
  const access = body as Partial<Access> | undefined;
  return typeof access?.token === "string" && typeof access.endpoint === "string" && Array.isArray(access.channels);
}

function refusal(body: unknown): string | undefined {
  const message = (body as { error?: unknown } | undefined)?.error;
  return typeof message === "string" ? message : undefined;
}
