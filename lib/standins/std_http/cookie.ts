/** A cookie as the server sets it (RFC 6265 §4.1). */
export interface Cookie {
  name: string;
  value: string;
  /** When it ends: a date, or milliseconds since 1970. Default: with the browser's session. */
  expires?: Date | number;
  /** Seconds it lives; 0 ends it at once. Negative throws a RangeError, what is no integer is left out. */
  maxAge?: number;
  domain?: string;
  path?: string;
  /** Sent over HTTPS only. */
  secure?: boolean;
  /** Not readable by scripts. */
  httpOnly?: boolean;
  /** Kept apart for each site that embeds this one. */
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
 * The cookies of a request by name, values as they came. A name that was not sent reads as undefined.
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
 * Adds a Set-Cookie header. The prefixes `__Secure-` and `__Host-` bring the attributes that browsers ask of them.
 * Throws a SyntaxError for characters that a name, value, path or domain may not have.
 */
export function setCookie(headers: Headers, cookie: Cookie): void {
  if (cookie.name) headers.append("Set-Cookie", toHeader(cookie));
}

/** Adds a Set-Cookie header that ends a cookie. Path, domain and flags must be those it was set with. */
export function deleteCookie(
  headers: Headers,
  name: string,
  attributes?: Pick<Cookie, "path" | "domain" | "secure" | "httpOnly" | "partitioned">,
): void {
  setCookie(headers, { name, value: "", expires: new Date(0), ...attributes });
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

/** The cookies that an answer sets. One that browsers would ignore for its prefix or lifetime is left out. */
export function getSetCookies(headers: Headers): Cookie[] {
  return headers.getSetCookie().map(fromHeader).filter(isUsable);
}

function fromHeader(header: string): Cookie {
  const [[name = "", value = ""] = [], ...attributes] = header.split(";").map((part) => {
    const text = part.trim();
    const end = text.indexOf("=");
    return end === -1 ? [text, ""] : [text.slice(0, end), text.slice(end + 1)];
  });
  const cookie: Cookie = { name, value };
  for (const [key = "", text = ""] of attributes) {
    switch (key.toLowerCase()) {
      case "expires":
        cookie.expires = new Date(text);
        break;
      case "max-age":
        cookie.maxAge = Number(text);
        break;
      case "domain":
        cookie.domain = text;
        break;
      case "path":
        cookie.path = text;
        break;
      case "secure":
        cookie.secure = true;
        break;
      case "httponly":
        cookie.httpOnly = true;
        break;
      case "samesite":
        cookie.sameSite = text as Cookie["sameSite"];
        break;
      default:
        (cookie.unparsed ??= []).push(`${key}=${text}`);
    }
  }
  return cookie;
}

function isUsable({ name, maxAge, secure, domain, path }: Cookie): boolean {
  if (maxAge !== undefined && maxAge < 0) return false;
  if (name.startsWith("__Host-")) return secure === true && domain === undefined && path === "/";
  return !name.startsWith("__Secure-") || secure === true;
}
