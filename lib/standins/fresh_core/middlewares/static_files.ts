import { ASSET_CACHE_BUST_KEY } from "../asset.ts";
import { BUILD_ID } from "../build_id.ts";
import { requestState } from "../request_state.ts";
import type { Middleware } from "../types.ts";

const YEAR_S = 31_536_000;

/**
 * Serves the files of the static folder and the client code; every other request passes on. Browsers may keep URLs with
 * this build's id for a year. URLs with another build's id are redirected to the current file.
 */
export function staticFiles<T>(): Middleware<T> {
  return async function serveStaticFiles(ctx) {
    const { req, url } = ctx;
    const { build } = requestState(ctx);
    const path = filePath(url.pathname);
    const file = path === null ? null : await build.readFile(path);
    if (file === null) {
      // Browsers request this file unasked: no page needs to be rendered to say no.
      return path === "/favicon.ico" ? new Response(null, { status: 404 }) : await ctx.next();
    }
    if (req.method !== "GET" && req.method !== "HEAD") {
      file.close();
      return new Response("Method Not Allowed", { status: 405, headers: { Allow: "GET, HEAD" } });
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

    const isDevelopment = build.mode === "development";
    const isImmutable = askedBuild !== null || url.pathname.startsWith(`/_fresh/js/${BUILD_ID}/`);
    const headers = new Headers({
      "Content-Type": file.contentType,
      "Cache-Control": isDevelopment
        ? "no-cache, no-store, max-age=0, must-revalidate"
        : isImmutable
        ? `public, max-age=${YEAR_S}, immutable`
        : "public, max-age=0, must-revalidate",
    });
    if (!isDevelopment) {
      const tag = `W/"${file.hash}"`;
      headers.set("ETag", tag);
      if (matches(req.headers.get("if-none-match"), tag)) {
        file.close();
        headers.delete("Content-Type");
        return new Response(null, { status: 304, headers });
      }
    }
    headers.set("Content-Length", String(file.size));
    if (req.method === "HEAD") {
      file.close();
      return new Response(null, { headers });
    }
    return new Response(file.readable as BodyInit, { headers });
  };
}

/** Returns the decoded path, or null if it cannot be a file's. */
function filePath(pathname: string): string | null {
  let path: string;
  try {
    path = decodeURIComponent(pathname);
  } catch {
    return null;
  }
  // A decoded "%2e%2e%2f", "%5c" or "%00" must not lead anywhere.
  const parts = path.split("/");
  return path === "/" || /[\\\0]/.test(path) || parts.includes("..") || parts.includes(".") ? null : path;
}

function matches(ifNoneMatch: string | null, tag: string): boolean {
  if (ifNoneMatch === null) return false;
  const opaque = (text: string) => text.trim().replace(/^W\//, "");
  return ifNoneMatch.trim() === "*" ||
    ifNoneMatch.split(",").some((candidate) => opaque(candidate) === opaque(tag));
}
