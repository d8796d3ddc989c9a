/**
 * Finishes a production build after Fresh has written it: joins the small files of client code, stores compressed forms of
 * every static file, and notes the git commit for /health. Works on the folder that Fresh writes, so it does not matter whether the
 * published Fresh or the local stand-in has built it.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import type { Builder } from "fresh/dev";
import { gitCommit } from "./git_commit.ts";
import { joinChunks } from "./join_chunks.ts";

/** Below this size the headers of a compressed answer cost as much as the compression saves. */
const MIN_COMPRESSED_BYTES = 256;

const COMPRESSIBLE = /\.(js|css|svg|json|webmanifest|txt|html)$/;

/** The compressed forms: the endings under which lib/server/http/compression.ts finds them. */
const FORMS = {
  br: {
    suffix: ".br",
    compress: (content: Uint8Array) =>
      brotliCompressSync(content, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
        },
      }),
  },
  gzip: {
    suffix: ".gz",
    compress: (content: Uint8Array) => gzipSync(content, { level: constants.Z_BEST_COMPRESSION }),
  },
};

/** The build id of client code in its URL paths. */
const BUILD_ID = /\/_fresh\/js\/([^/"]+)\/fresh-runtime\.js/;

/** Call it once, after `builder.build()`. */
export async function finishBuild({ config }: Builder): Promise<void> {
  await joinClientCode(config.outDir, config.target);
  await esbuild.stop();
  await compressFiles(join(config.outDir, "static"), join(config.root, "static"));
  await noteCommit(config.outDir, config.root);
}

/** Makes the server name the commit that was built, where nobody set FESTIVAL_BUILD. It runs before the app is loaded. */
async function noteCommit(outDir: string, root: string): Promise<void> {
  const commit = gitCommit(root);
  if (commit === undefined) return;
  const note = `Deno.env.get("FESTIVAL_BUILD") || Deno.env.set("FESTIVAL_BUILD", ${JSON.stringify(commit)});\n`;
  await Deno.writeTextFile(join(outDir, "commit.js"), note);
  const server = join(outDir, "server.js");
  await Deno.writeTextFile(server, `import "./commit.js";\n${await Deno.readTextFile(server)}`);
}

/** Joins chunks, and renames the build after its new content: its URLs may be cached for a year. */
async function joinClientCode(outDir: string, target: string | string[]): Promise<void> {
  const [snapshotPath, snapshot] = await readSnapshot(outDir);
  const buildId = BUILD_ID.exec(snapshot)?.[1];
  if (buildId === undefined) return; // No islands.
  const js = join(outDir, "static/_fresh/js");
  const chunks = new Map<string, Uint8Array>();
  for (const name of await filesBelow(join(js, buildId))) {
    if (name.endsWith(".js")) chunks.set(name, await Deno.readFile(join(js, buildId, name)));
  }
  const { files, fileOf } = await joinChunks(chunks, target);

  const hash = createHash("sha256").update(buildId);
  for (const [name, content] of files) hash.update(name).update(content);
  const newId = hash.digest("hex").slice(0, 16);
  // An earlier build of the same content.
  await Deno.remove(join(js, newId), { recursive: true }).catch(ignoreMissing);
  await Deno.rename(join(js, buildId), join(js, newId));
  for (const name of chunks.keys()) await Deno.remove(join(js, newId, name));
  for (const [name, content] of files) {
    const text = new TextDecoder().decode(content).replaceAll(buildId, newId);
    await Deno.writeTextFile(join(js, newId, name), text);
  }
  let text = snapshot.replaceAll(buildId, newId);
  for (const [chunk, file] of fileOf) text = text.replaceAll(`/${chunk}`, `/${file}`);
  await Deno.writeTextFile(snapshotPath, text);
}

/** The file in which Fresh lists what it built: names of files and islands. The stand-in writes JSON. */
async function readSnapshot(outDir: string): Promise<[path: string, text: string]> {
  for (const name of ["snapshot.json", "snapshot.js"]) {
    try {
      return [join(outDir, name), await Deno.readTextFile(join(outDir, name))];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`No build in ${outDir}: it has no snapshot file.`);
}

/** Stores the Brotli and gzip forms of static files, if they are smaller, in `built` with the endings .br and .gz. */
async function compressFiles(built: string, unchanged: string): Promise<void> {
  // The published Fresh leaves static files that no plugin changed in their own folder.
  const names = new Map((await filesBelow(unchanged)).map((name) => [name, unchanged]));
  for (const name of await filesBelow(built)) names.set(name, built);
  for (const [name, dir] of names) {
    if (!COMPRESSIBLE.test(name)) continue;
    const content = await Deno.readFile(join(dir, name));
    if (content.byteLength < MIN_COMPRESSED_BYTES) continue;
    await Deno.mkdir(dirname(join(built, name)), { recursive: true });
    for (const { suffix, compress } of Object.values(FORMS)) {
      const compressed = compress(content);
      if (compressed.byteLength < content.byteLength) await Deno.writeFile(join(built, name + suffix), compressed);
    }
  }
}

/** Lists all files below a folder by their paths from it, sorted. */
async function filesBelow(dir: string, prefix = ""): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(join(dir, prefix))) {
    const name = join(prefix, entry.name);
    if (entry.isDirectory) names.push(...await filesBelow(dir, name));
    else if (entry.isFile) names.push(name);
  }
  return names.sort();
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
