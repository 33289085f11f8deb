// Checks the arguments of calls before anything is sent. An error names the argument and its actual type.

/** What is thrown for a wrong argument. */
export class InvalidArgument extends TypeError {}

const ID_BYTES = 128;
/** Readers parse what others send on stacks of a limited size. */
const LEVELS = 64;
const CONTROL = /\p{Cc}/u;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** The argument of a call, or an object in it; a getter that throws is named. */
export function options(value, name, rule = "must be an object") {
  if (!isObject(value)) wrong(name ?? "the argument", rule, value);
  return new Proxy(value, { get: (object, key) => reading(name ? `${name}.${key}` : key, () => object[key]) });
}

/** What `read` returns. What the caller's own code throws in it becomes an error that names the argument. */
export function reading(name, read) {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof InvalidArgument) throw cause;
    invalid(`${name}: reading it throws; ${reason(cause)}`);
  }
}

/** Why something failed, in words; `cause` may be anything that can be thrown. */
export function reason(cause) {
  try {
    return `${cause?.message ?? cause ?? "failed"}`;
  } catch {
    return "failed";
  }
}

export function channelId(name, value) {
  string(name, value);
  if (!value) invalid(`${name}: must not be empty`);
  if (value.length * 3 > ID_BYTES && new TextEncoder().encode(value).length > ID_BYTES) invalid(`${name}: must be at most 128 bytes`);
  if (CONTROL.test(value)) invalid(`${name}: must not contain control characters`);
  return value;
}

/** A list of ids, each once. */
export function channelIds(name, list) {
  return reading(name, () => eachOnce(name, list));
}

function eachOnce(name, list) {
  if (!Array.isArray(list)) wrong(name, "must be an array of strings", list);
  if (!list.length) invalid(`${name}: must name at least one channel`);
  return [...new Set(Array.from(list, (id, index) => channelId(`${name}[${index}]`, id)))];
}

export function uuid(name, value) {
  if (!UUID.test(string(name, value))) invalid(`${name}: must be a UUID`);
  return value;
}

export function string(name, value) {
  if (typeof value !== "string") wrong(name, "must be a string", value);
  return value;
}

/** A check of what may be left out: `undefined` if there is none. */
export const optional = (check) => (name, value) =>
  value === undefined || value === null ? undefined : reading(name, () => check(name, value));

export function limit(name, value) {
  if (!Number.isInteger(value)) wrong(name, "must be a whole number", value);
  if (value < 1 || value > 1000) invalid(`${name}: must be 1 to 1,000, but is ${value}`);
  return value;
}

/** An object without a class. One of another realm (a frame) has that realm's `Object.prototype`, whose own prototype is null. */
export function plainObject(name, value) {
  const prototype = isObject(value) && !Array.isArray(value) && Object.getPrototypeOf(value);
  if (prototype === false || (prototype && Object.getPrototypeOf(prototype))) wrong(name, "must be a plain object", value);
  return value;
}

/** A list of channels, each with a time: Unix milliseconds, as a number or as the digits of a message's timestamp. */
export function counts(name, list) {
  if (!Array.isArray(list)) wrong("the argument", "must be an array", list);
  return Array.from(list, (one, index) => {
    const { channelId: id, timestamp } = options(one, `[${index}]`);
    if (!/^\d{1,16}$/.test(timestamp)) wrong(`[${index}].timestamp`, "must be a time in milliseconds", timestamp);
    return { channelId: channelId(`[${index}].channelId`, id), timestamp: Number(timestamp) };
  });
}

/** A list of files. A string has a length too, but contains no files. */
export function files(name, list) {
  if (!isObject(list) || typeof list.length !== "number") wrong(name, "must be an array of File objects", list);
  const taken = Array.from(list);
  taken.forEach((file, index) => {
    if (!(file instanceof File)) wrong(`${name}[${index}]`, "must be a File", file);
    // What is read later must not throw then.
    for (const key of ["name", "size", "type", "lastModified"]) reading(`${name}[${index}].${key}`, () => file[key]);
  });
  return taken;
}

/** Whether a text is allowed in a header; an error page or a line break is not. */
export function isToken(text) {
  return typeof text === "string" && /^[!-~]+$/.test(text);
}

export function signal(name, value) {
  if (!(value instanceof AbortSignal)) wrong(name, "must be an AbortSignal", value);
  void value.aborted;
  return value;
}

/**
 * Method and parameters as the engine expects them: JSON text that follows `"method":`, open at its end. `checks` has
 * a check for each parameter. Written now, so that later changes by the caller are not sent.
 */
export function body(method, checks, given) {
  const params = {};
  for (const name in checks) params[name] = checks[name](name, given[name]);
  return `"${method}","params":${JSON.stringify(params).slice(0, -1)}`;
}

/** A plain object of the caller's, as it is now. */
export function custom(name, value) {
  let text;
  plainObject(name, value);
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    invalid(`${name}: cannot be written as JSON; ${reason(cause)}`);
  }
  if (levels(text) > LEVELS) invalid(`${name}: must be nested at most ${LEVELS} levels deep`);
  return JSON.parse(text);
}

/** How many objects and lists of a JSON text are within each other. */
function levels(text) {
  let level = 0;
  let most = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') inString = !inString;
    else if (character === "\\") at++;
    else if (inString) continue;
    else if (character === "{" || character === "[") most = Math.max(most, ++level);
    else if (character === "}" || character === "]") level--;
  }
  return most;
}

/** An upper bound of a text's size in UTF-8, in bytes; exact where it could exceed a limit. */
export function bytes(text) {
  return text.length < 16384 ? text.length * 3 : new TextEncoder().encode(text).length;
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function wrong(name, rule, value) {
  invalid(`${name}: ${rule}, but is ${value === null ? "null" : Array.isArray(value) ? "an array" : typeof value}`);
}

function invalid(message) {
  throw new InvalidArgument(message);
}
