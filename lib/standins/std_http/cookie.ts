/** A cookie that the server sets (RFC 6265 §4.1). */
export interface Cookie {
  name: string;
  value: string;
  /** When the cookie expires: a date, or milliseconds since 1970. Default: when the browser's session ends. */
  expires?: Date | number;
  /** Lifetime in seconds; 0 deletes the cookie. A negative value throws a RangeError, a fraction is ignored. */
  maxAge?: number;
  domain?: string;
  path?: string;
  /** Sent over HTTPS only. */
  secure?: boolean;
  /** Not readable by scripts. */
  httpOnly?: boolean;
  /** Stored separately for each site that embeds this one. */
  partitioned?: boolean;
  sameSite?: "Strict" | "Lax" | "None";
  /** More attributes, each "key=value". */
  unparsed?: string[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 6265's cookie-octet. */
const VALUE = /^[\x21\x23-\x2B\x2D-\x3A\x3C-\x5B\x5D-\x7E]*$/;
const PATH = /^[\x20-\x3A\x3C-\x7E]*$/;

/**
 * Returns a request's cookies by name, with their values unchanged. A missing name is undefined.
 * Throws a SyntaxError for a cookie that starts with "=".
 */
export function getCookies(headers: Headers): Partial<Record<string, string>> {
  const cookies: Partial<Record<string, string>> = Object.create(null);
  const header = headers.get("Cookie");
  if (header === null) return cookies;
  for (const pair of header.split(";")) {
    const end = pair.indexOf("=");
    const name = end === -1 ? pair : pair.slice(0, end);
    if (name === "") throw new SyntaxError("Cookie cannot start with '='");
    cookies[name.trim()] = end === -1 ? "" : pair.slice(end + 1);
  }
  return cookies;
}

/**
 * Adds a Set-Cookie header. The name prefixes `__Secure-` and `__Host-` set the attributes that browsers require for
 * them. Throws a SyntaxError if the name, value, path or domain contains a character that is not allowed there.
 */
export function setCookie(headers: Headers, cookie: Cookie): void {
  if (cookie.name) headers.append("Set-Cookie", toHeader(cookie));
}

function toHeader(cookie: Cookie): string {
  const { name, value, maxAge, sameSite, expires, httpOnly, partitioned, unparsed = [] } = cookie;
  const isHost = name.startsWith("__Host-");
  const secure = cookie.secure || isHost || name.startsWith("__Secure-");
  const path = isHost ? "/" : cookie.path;
  const domain = isHost ? undefined : cookie.domain;
  if (!TOKEN.test(name)) throw new SyntaxError(`Invalid cookie name: "${name}"`);
  if (!VALUE.test(value)) throw new SyntaxError(`Invalid character in the value of cookie "${name}"`);
  if (path && !PATH.test(path)) throw new SyntaxError(`Invalid character in the path of cookie "${name}": "${path}"`);
  if (domain && (/^-|[-.]$/.test(domain) || !PATH.test(domain))) {
    throw new SyntaxError(`Invalid domain of cookie "${name}": "${domain}"`);
  }
  if (maxAge !== undefined && maxAge < 0) throw new RangeError(`Max-Age must be >= 0: received ${maxAge}`);
  const parts = [`${name}=${value}`];
  if (secure) parts.push("Secure");
  if (httpOnly) parts.push("HttpOnly");
  if (partitioned) parts.push("Partitioned");
  if (Number.isInteger(maxAge)) parts.push(`Max-Age=${maxAge}`);
  if (domain) parts.push(`Domain=${domain}`);
  if (sameSite) parts.push(`SameSite=${sameSite}`);
  if (path) parts.push(`Path=${path}`);
  if (expires) parts.push(`Expires=${new Date(expires).toUTCString()}`);
  return [...parts, ...unparsed].join("; ");
}
