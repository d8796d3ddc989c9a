import { ASSET_CACHE_BUST_KEY } from "../asset.ts";
import { BUILD_ID } from "../build_id.ts";
import type { Encoding } from "../build_cache.ts";
import type { Middleware } from "../compose.ts";
import { requestState } from "../context.ts";

const YEAR_S = 31_536_000;

/**
 * Serves the files of the static folders and the client code. URLs with this build's id may be kept for a year; those
 * with another build's id are redirected to the file as it is now. Stored compressed forms are sent to whoever takes
 * them. Everything else passes on.
 */
export function staticFiles<T>(): Middleware<T> {
  return async function serveStaticFiles(ctx) {
    const { req, url, config } = ctx;
    const isRead = req.method === "GET" || req.method === "HEAD";
    const path = filePath(url.pathname, config.basePath);
    if (path === null || path === "/") return await ctx.next();

    const file = await requestState(ctx).build.readFile(path, isRead ? acceptedEncodings(req.headers) : []);
    if (file === null) {
      // Browsers ask for this one by themselves: no page needs to be rendered to say no.
      return path === "/favicon.ico" ? new Response(null, { status: 404 }) : await ctx.next();
    }
    if (!isRead) {
      file.close();
      return new Response("Method Not Allowed", {
        status: 405,
        headers: { Allow: "GET, HEAD" },
      });
    }

    const askedBuild = url.searchParams.get(ASSET_CACHE_BUST_KEY);
    if (askedBuild !== null && askedBuild !== BUILD_ID) {
      file.close();
      url.searchParams.delete(ASSET_CACHE_BUST_KEY);
      return new Response(null, {
        status: 307,
        headers: { location: url.pathname + url.search },
      });
    }

    const isDevelopment = config.mode === "development";
    const isImmutable = askedBuild !== null ||
      url.pathname.startsWith(`${config.basePath}/_fresh/js/${BUILD_ID}/`);
    const headers = new Headers({
      "Content-Type": file.contentType,
      "Cache-Control": isDevelopment
        ? "no-cache, no-store, max-age=0, must-revalidate"
        : isImmutable
        ? `public, max-age=${YEAR_S}, immutable`
        : "public, max-age=0, must-revalidate",
    });
    if (file.varies) headers.set("Vary", "Accept-Encoding");
    if (file.hash !== null && !isDevelopment) {
      // Weak, since the compressed forms share it.
      const tag = `W/"${file.hash}"`;
      headers.set("ETag", tag);
      if (matches(req.headers.get("if-none-match"), tag)) {
        file.close();
        headers.delete("Content-Type");
        return new Response(null, { status: 304, headers });
      }
    }
    headers.set("Content-Length", String(file.size));
    if (file.encoding !== null) headers.set("Content-Encoding", file.encoding);
    if (req.method === "HEAD") {
      file.close();
      return new Response(null, { headers });
    }
    return new Response(file.readable as BodyInit, { headers });
  };
}

/** The decoded path below the base path, or null where it cannot be a file's. */
function filePath(pathname: string, basePath: string): string | null {
  if (
    basePath !== "" && pathname !== basePath &&
    !pathname.startsWith(`${basePath}/`)
  ) return null;
  let path: string;
  try {
    path = decodeURIComponent(pathname.slice(basePath.length)) || "/";
  } catch {
    return null;
  }
  // A decoded "%2e%2e%2f", "%5c" or "%00" must not lead anywhere.
  const parts = path.split("/");
  return /[\\\0]/.test(path) || parts.includes("..") || parts.includes(".") ? null : path;
}

/** Which of the stored forms the client takes, best first (RFC 9110 §12.5.3). */
function acceptedEncodings(headers: Headers): Encoding[] {
  const header = headers.get("accept-encoding") ?? "";
  const refused = new Set<string>();
  const named = new Set<string>();
  for (const item of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = item.split(";").map((part) => part.trim());
    const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    (isRefused ? refused : named).add(name);
  }
  const takes = (name: string) => named.has(name) || (named.has("*") && !refused.has(name));
  return (["br", "gzip"] as const).filter(takes);
}

function matches(ifNoneMatch: string | null, tag: string): boolean {
  if (ifNoneMatch === null) return false;
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return ifNoneMatch.trim() === "*" ||
    ifNoneMatch.split(",").some((candidate) => opaque(candidate) === opaque(tag));
}
