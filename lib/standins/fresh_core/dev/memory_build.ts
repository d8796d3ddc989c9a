import { type BuildCache, type BuildInfo, buildParts, type Manifest } from "../build_cache.ts";
import { contentTypeOf } from "../content_type.ts";
import { shortHash } from "../hash.ts";
import type { ClientFile } from "./bundle.ts";
import { readStaticFile, type StaticSource } from "./static_source.ts";

/** A build whose client code is in memory and whose static files are read when they are asked for. */
export function memoryBuild<State>(options: {
  root: string;
  manifest: Manifest;
  info: BuildInfo;
  clientFiles: readonly ClientFile[];
  statics: StaticSource;
}): BuildCache<State> {
  const client = new Map(options.clientFiles.map(({ name, content }) => [name, content]));
  return {
    root: options.root,
    ...buildParts<State>(options.manifest, options.info),
    async readFile(path) {
      const code = client.get(path);
      const file = code === undefined
        ? await readStaticFile(options.statics, path)
        : { content: code, contentType: contentTypeOf(path) };
      if (file === null) return null;
      return {
        hash: await shortHash(file.content),
        size: file.content.byteLength,
        contentType: file.contentType,
        encoding: null,
        varies: false,
        readable: file.content,
        close: () => {},
      };
    },
  };
}
