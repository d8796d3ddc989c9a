/** Helpers that the operator's routes share: the cookie, forms, downloads. */
import { cookieOf } from "../http/device.ts";
import { type BodyBounds, readBody } from "../http/responses.ts";
import { setCookie } from "@std/http/cookie";

/**
 * The operator's cookies: a log-in, and the mark of a browser that has logged in before. Over https they get a prefix
 * whose rules the browser enforces (only this host, only https, every path: RFC 6265bis); on plain http it refuses that.
 */
export type OperatorCookie = "operator" | "operator-browser";
const SECURE_PREFIX = "__Host-";

/** The mark stays for half a year after the last log-in. */
const BROWSER_LIFE_S = 183 * 86_400;

/** Largest form; none of ours comes near it. */
export const FORM_MAX_BYTES = 65_536;
/** Largest room archive that the page accepts. */
export const IMPORT_MAX_BYTES = 33_554_432;
/** Archives also arrive over slow lines. */
export const IMPORT_WITHIN_MS = 300_000;

export function readOperatorCookie(headers: Headers, name: OperatorCookie, secure: boolean): string | undefined {
  return cookieOf(headers, secure ? SECURE_PREFIX + name : name);
}

/** Sets the cookie; undefined deletes it. A log-in ends with the browser's session, or earlier on the server. */
export function setOperatorCookie(
  headers: Headers,
  name: OperatorCookie,
  cookie: string | undefined,
  secure: boolean,
): void {
  setCookie(headers, {
    name: secure ? SECURE_PREFIX + name : name,
    value: cookie ?? "",
    path: "/",
    httpOnly: true,
    sameSite: "Strict",
    secure,
    ...name === "operator-browser" && { maxAge: BROWSER_LIFE_S },
    ...cookie === undefined && { maxAge: 0 },
  });
}

/** Whether a password may cross this connection: https, or a browser on the machine itself. */
export function mayLogIn(url: URL, secure: boolean, environment: string): boolean {
  return secure || environment !== "production" || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
}

/** The header of requests that a page makes by itself to refresh: static/admin.js. */
export const REFRESH_HEADER = "x-refresh";

/** The fields of a form; undefined when the body is no form, too large, or too slow. */
export async function readForm(request: Request, bounds: BodyBounds): Promise<FormData | undefined> {
  const body = await readBody(request, bounds);
  if (typeof body === "string") return undefined;
  const type = request.headers.get("content-type") ?? "";
  try {
    return await new Response(new Blob(body), { headers: { "content-type": type } }).formData();
  } catch {
    return undefined; // Not a form.
  }
}

export function textOf(form: FormData | undefined, name: string): string {
  const value = form?.get(name);
  return typeof value === "string" ? value : "";
}

/** Lines as an attachment. */
export function download(lines: AsyncIterable<string>, name: string): Response {
  const text = ReadableStream.from(lines).pipeThrough(new TextEncoderStream());
  return new Response(text, {
    headers: {
      "content-type": "application/x-ndjson",
      "content-disposition": `attachment; filename="${name}"`,
      "cache-control": "no-store",
    },
  });
}
