import * as esbuild from "esbuild";

/** One file that the bundler made. */
export interface Chunk {
  content: Uint8Array;
  /** Names that it exports. */
  exports: readonly string[];
  /** Files that it imports at once. */
  imports: readonly string[];
  /** Files that it may import later. */
  later: readonly string[];
}

/** The files that pages start with. */
export interface Entries {
  islands: readonly string[];
  /** Every page with an island loads it. */
  runtime: string;
}

/**
 * Puts the chunks that the same islands load at once into one file each. A bundler that splits cuts a chunk for each set of
 * places that share code, those loaded on demand included; a page loads most of them together, and many small files
 * compress worse than a few. What every island loads goes into the runtime's file, what one island alone loads into that
 * island's. What is loaded on demand stays as it is.
 */
export async function coalesce(chunks: ReadonlyMap<string, Chunk>, entries: Entries): Promise<Map<string, Chunk>> {
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
      charset: "utf8",
      logLevel: "silent",
      plugins: [{
        name: "parts",
        setup(build) {
          build.onResolve({ filter: /.*/ }, ({ path, kind, namespace }) => {
            const file = fileOf(path);
            const itsPart = part.get(file);
            const isMade = namespace === "other"; // It names a new file, which may be called like a chunk.
            if (isMade || itsPart === undefined || kind !== "import-statement") return { path, external: true };
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
    const filesOf = (kind: esbuild.ImportKind) => [
      ...new Set(output!.imports.filter((found) => found.kind === kind).map(({ path }) => fileOf(path))),
    ];
    coalesced.set(name, {
      content: result.outputFiles[0]!.contents,
      exports,
      imports: filesOf("import-statement"),
      later: filesOf("dynamic-import"),
    });
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

/** The new file of each chunk that islands load at once, by the chunk's name. */
function partOf(chunks: ReadonlyMap<string, Chunk>, { islands, runtime }: Entries): Map<string, string> {
  const always = new Set([runtime, ...importedBy(chunks, runtime)]);
  const loadedBy = new Map<string, string[]>();
  for (const name of always) loadedBy.set(name, [...islands]);
  for (const island of islands) {
    for (const name of [island, ...importedBy(chunks, island)]) {
      if (!always.has(name)) loadedBy.set(name, [...loadedBy.get(name) ?? [], island]);
    }
  }
  const groups = new Map<string, string[]>();
  for (const [name, by] of loadedBy) groups.set(by.join(), [...groups.get(by.join()) ?? [], name]);

  let count = 0;
  const part = new Map<string, string>();
  for (const members of groups.values()) {
    const entry = members.find((name) => name === runtime || islands.includes(name));
    // Other pages may load on demand what an island loads at once: they must not get the whole island with it.
    const others = islands.filter((island) => island !== entry);
    const shared = entry === undefined || entry !== runtime &&
        others.some((other) => members.some((name) => name !== entry && reaches(chunks, other, name, entry)));
    const file = shared ? `part-${++count}.js` : entry;
    for (const name of members) {
      if (name !== entry) part.set(name, file);
    }
    if (entry !== undefined) part.set(entry, entry);
  }
  return part;
}

/** Whether one file may ever load another, at once or later, in a way that does not go through a third. */
function reaches(chunks: ReadonlyMap<string, Chunk>, from: string, to: string, without: string): boolean {
  const found = new Set([from]);
  for (const name of found) {
    const { imports = [], later = [] } = chunks.get(name) ?? {};
    for (const next of [...imports, ...later]) if (next !== without) found.add(next);
  }
  return found.has(to);
}

/** Pairs of name and short name, unique among all, for each export of each chunk of a part; entries keep theirs. */
function shortNames(
  chunks: ReadonlyMap<string, Chunk>,
  part: ReadonlyMap<string, string>,
): Map<string, [string, string][]> {
  const isEntry = (chunk: string) => part.get(chunk) === chunk;
  const taken = new Set([...part.keys()].filter(isEntry).flatMap((chunk) => chunks.get(chunk)!.exports));
  let count = 0;
  const next = (): string => {
    const name = `x${(count++).toString(36)}`;
    return taken.has(name) ? next() : name;
  };
  const all = new Map<string, [string, string][]>();
  for (const chunk of part.keys()) {
    all.set(chunk, chunks.get(chunk)!.exports.map((name) => [name, isEntry(chunk) ? name : next()]));
  }
  return all;
}

function reexport(file: string, names: readonly [string, string][]): string {
  if (names.length === 0) return `import "./${file}";`;
  return `export { ${names.map(([name, as]) => `${name} as ${as}`).join(", ")} } from "./${file}";`;
}

const fileOf = (path: string) => path.replace(/^\.\//, "");
