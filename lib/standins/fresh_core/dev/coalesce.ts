import * as esbuild from "esbuild";

/** One file that the bundler made. */
export interface Chunk {
  content: Uint8Array;
  /** Names that it exports. */
  exports: readonly string[];
  /** Files that it imports at once. */
  imports: readonly string[];
}

/**
 * Puts the chunks that the same entries load at once into one file each. A bundler that splits cuts a chunk for each set of
 * places that share code, those loaded on demand included; a page loads most of them together, and many small files
 * compress worse than a few. What is loaded on demand stays as it is.
 */
export async function coalesce(
  chunks: ReadonlyMap<string, Chunk>,
  entries: readonly string[],
): Promise<Map<string, Chunk>> {
  const part = partOf(chunks, entries);
  const short = shortNames(chunks, part);
  const sources = new Map<string, { contents: string | Uint8Array; exports: readonly string[] }>();
  for (const name of new Set(part.values())) {
    const members = [...short].filter(([member]) => part.get(member) === name);
    sources.set(name, {
      contents: members.map(([member, names]) => reexport(member, names)).join("\n"),
      exports: members.flatMap(([, names]) => names.map(([, as]) => as)),
    });
  }
  for (const [name, { content, exports }] of chunks) {
    if (!part.has(name)) sources.set(name, { contents: content, exports });
  }

  const coalesced = new Map<string, Chunk>();
  for (const [name, { contents, exports }] of sources) {
    const result = await esbuild.build({
      stdin: { contents, resolveDir: "/" },
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      platform: "browser",
      target: "esnext",
      minify: true,
      legalComments: "none",
      logLevel: "silent",
      plugins: [{
        name: "parts",
        setup(build) {
          build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
            const file = fileOf(path);
            const itsPart = part.get(file);
            if (itsPart === undefined || kind !== "import-statement") return { path, external: true };
            return { path: file, namespace: itsPart === name ? "own" : "other" };
          });
          build.onLoad({ filter: /.*/, namespace: "own" }, ({ path }) => ({ contents: chunks.get(path)!.content }));
          build.onLoad({ filter: /.*/, namespace: "other" }, ({ path }) => ({
            contents: reexport(part.get(path)!, short.get(path)!.map(([name, as]) => [as, name])),
          }));
        },
      }],
    });
    const [output] = Object.values(result.metafile.outputs);
    const imports = output!.imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => fileOf(path));
    coalesced.set(name, { content: result.outputFiles[0]!.contents, exports, imports: [...new Set(imports)] });
  }
  return coalesced;
}

/** The files that a file imports at once, all the way down. */
export function importedBy(chunks: ReadonlyMap<string, Chunk>, start: string): string[] {
  const found = new Set([start]);
  for (const name of found) {
    for (const next of chunks.get(name)?.imports ?? []) found.add(next);
  }
  found.delete(start);
  return [...found];
}

/** The new file of each chunk that entries load at once, by the chunk's name. */
function partOf(chunks: ReadonlyMap<string, Chunk>, entries: readonly string[]): Map<string, string> {
  const loadedBy = new Map<string, string[]>();
  for (const entry of entries) {
    for (const name of importedBy(chunks, entry)) loadedBy.set(name, [...loadedBy.get(name) ?? [], entry]);
  }
  const names = new Map<string, string>();
  const part = new Map<string, string>();
  for (const [name, by] of loadedBy) {
    if (entries.includes(name)) continue;
    const group = by.join();
    if (!names.has(group)) names.set(group, `part-${names.size + 1}.js`);
    part.set(name, names.get(group)!);
  }
  return part;
}

/** Pairs of name and short name, unique among all, for each export of each chunk that goes into a part. */
function shortNames(
  chunks: ReadonlyMap<string, Chunk>,
  part: ReadonlyMap<string, string>,
): Map<string, [string, string][]> {
  let count = 0;
  const all = new Map<string, [string, string][]>();
  for (const chunk of part.keys()) {
    all.set(chunk, chunks.get(chunk)!.exports.map((name) => [name, `x${(count++).toString(36)}`]));
  }
  return all;
}

function reexport(file: string, names: readonly [string, string][]): string {
  if (names.length === 0) return `import "./${file}";`;
  return `export { ${names.map(([name, as]) => `${name} as ${as}`).join(", ")} } from "./${file}";`;
}

const fileOf = (path: string) => path.replace(/^\.\//, "");
