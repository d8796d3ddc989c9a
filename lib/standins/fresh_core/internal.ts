/** For the generated `_fresh/server.js` only. */
import { join } from "node:path";
import { type BuildCache, type BuildInfo, buildParts, type Encoding, type Manifest } from "./build_cache.ts";
export { setBuildCache } from "./app.ts";

/** A static file of a production build. */
export interface StoredFile {
  /** Path from the build folder. */
  file: string;
  hash: string;
  size: number;
  contentType: string;
  /** Bytes of each stored compressed form, which lies beside `file` with the ending ".br" or ".gz". */
  encodings: Partial<Record<Encoding, number>>;
}

/** What `_fresh/snapshot.json` holds. */
export interface Snapshot extends BuildInfo {
  files: Record<string, StoredFile>;
}

/** Ending of each stored compressed form. */
export const ENCODING_SUFFIX: Record<Encoding, string> = {
  br: ".br",
  gzip: ".gz",
};

/** A production build, read from its folder. */
export function storedBuild<State>(
  root: string,
  outDir: string,
  manifest: Manifest,
  snapshot: Snapshot,
): BuildCache<State> {
  const files = new Map(Object.entries(snapshot.files));
  return {
    root,
    ...buildParts<State>(manifest, snapshot),
    async readFile(path, accepts) {
      const stored = files.get(path);
      if (stored === undefined) return null;
      const encoding = accepts.find((name) => stored.encodings[name] !== undefined) ?? null;
      const suffix = encoding === null ? "" : ENCODING_SUFFIX[encoding];
      const file = await Deno.open(join(outDir, stored.file + suffix));
      return {
        hash: stored.hash,
        size: encoding === null ? stored.size : stored.encodings[encoding]!,
        contentType: stored.contentType,
        encoding,
        varies: Object.keys(stored.encodings).length > 0,
        readable: file.readable,
        close: () => file.close(),
      };
    },
  };
}
