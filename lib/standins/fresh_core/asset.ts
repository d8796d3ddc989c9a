import { BUILD_ID } from "./build_id.ts";

/** Query parameter that carries the build id. */
export const ASSET_CACHE_BUST_KEY = "__frsh_c";

/**
 * The URL of a static file as it is in this build: such an answer may be cached for a year. Other origins and relative
 * paths come back unchanged.
 */
export function asset(path: string): string {
  if (
    !path.startsWith("/") || path.startsWith("//") ||
    path.includes(`${ASSET_CACHE_BUST_KEY}=`)
  ) return path;
  const hashAt = path.indexOf("#");
  const head = hashAt === -1 ? path : path.slice(0, hashAt);
  const hash = hashAt === -1 ? "" : path.slice(hashAt);
  return `${head}${head.includes("?") ? "&" : "?"}${ASSET_CACHE_BUST_KEY}=${BUILD_ID}${hash}`;
}

/** {@linkcode asset} for each URL of a `srcset`. One that cannot be split safely comes back unchanged. */
export function assetSrcSet(srcset: string): string {
  if (srcset.includes("(")) return srcset;
  const candidates = srcset.split(",");
  if (candidates.some((candidate) => candidate.trim() === "")) return srcset;
  return candidates.map((candidate) => candidate.replace(/^(\s*)(\S+)/, (_, space, url) => space + asset(url))).join(
    ",",
  );
}

/** Gives `<img>` and `<source>` hashed URLs, unless they carry `data-fresh-disable-lock`. Changes `props`. */
export function hashImageProps(type: unknown, props: Record<string, unknown>): void {
  if (
    (type !== "img" && type !== "source") || props["data-fresh-disable-lock"]
  ) return;
  if (typeof props.src === "string") props.src = asset(props.src);
  if (typeof props.srcset === "string") {
    props.srcset = assetSrcSet(props.srcset);
  }
}
