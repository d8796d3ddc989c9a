import { BUILD_ID } from "./build_id.ts";

/** Query parameter that carries the build id. */
export const ASSET_CACHE_BUST_KEY = "__frsh_c";

/**
 * Returns the URL of a static file in this build, whose answer browsers may keep for a year. Other origins and relative
 * paths come back unchanged.
 */
export function asset(path: string): string {
  if (!path.startsWith("/") || path.startsWith("//") || path.includes(`${ASSET_CACHE_BUST_KEY}=`)) return path;
  const hashAt = path.indexOf("#");
  const head = hashAt === -1 ? path : path.slice(0, hashAt);
  const hash = hashAt === -1 ? "" : path.slice(hashAt);
  return `${head}${head.includes("?") ? "&" : "?"}${ASSET_CACHE_BUST_KEY}=${BUILD_ID}${hash}`;
}
