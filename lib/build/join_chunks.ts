/**
 * Joins the small files of client code. A bundler that splits makes a chunk for each set of places that share code,
 * those loaded on demand included. A page loads most of them together, and many small files compress worse than a few.
 */
import * as esbuild from "esbuild";

/** One file that the bundler made. */
interface Chunk {
  content: Uint8Array;
  /** The names that it exports. */
  exports: readonly string[];
  /** The files that it imports statically. */
  imports: readonly string[];
  /** The files that it imports on demand. */
  later: readonly string[];
}

type Chunks = ReadonlyMap<string, Chunk>;

/** Client code with joined files. */
export interface JoinedCode {
  files: Map<string, Uint8Array>;
  /** The file that holds each chunk now, by the chunk's former file name. Entries keep their names. */
  fileOf: ReadonlyMap<string, string>;
}

/** The client runtime, which every page with an island loads. */
const RUNTIME = "fresh-runtime.js";
/** esbuild ends the names of all files but the entries with a hash. */
const CHUNK_NAME = /-[0-9A-Z]{8}\.js$/;

/**
 * Puts the chunks that the same islands import statically into one file each: those of every island into the runtime's
 * file, those of a single island into that island's. Chunks loaded on demand stay separate.
 * @param files by name, as esbuild splits them: the runtime, the islands, the chunks
 * @param target the browsers to support, in esbuild's terms
 */
export async function joinChunks(
  files: ReadonlyMap<string, Uint8Array>,
  target: string | string[],
): Promise<JoinedCode> {
  const chunks = await readChunks(files);
  const fileOf = groupChunks(chunks);
  const short = shortNames(chunks, fileOf);
  const sources = new Map<string, string | Uint8Array>();
  for (const file of new Set(fileOf.values())) {
    const members = [...short].filter(([member]) => fileOf.get(member) === file);
    sources.set(file, members.map(([member, names]) => reexport(member, names)).join("\n"));
  }
  for (const [name, { content }] of chunks) {
    if (!fileOf.has(name)) sources.set(name, content);
  }

  const joined = new Map<string, Uint8Array>();
  for (const [file, contents] of sources) {
    const { outputFiles } = await esbuild.build({
      stdin: { contents, resolveDir: "/" },
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      target,
      minify: true,
      legalComments: "none",
      charset: "utf8",
      logLevel: "silent",
      plugins: [{
        name: "join chunks",
        setup(build) {
          build.onResolve({ filter: /.*/ }, ({ path, kind, namespace }) => {
            const chunk = withoutDot(path);
            const itsFile = fileOf.get(chunk);
            // An import in namespace "other" names a new file, which may be called like a chunk.
            const isNew = namespace === "other";
            if (isNew || itsFile === undefined || kind !== "import-statement") return { path, external: true };
            return { path: chunk, namespace: itsFile === file ? "own" : "other" };
          });
          build.onLoad({ filter: /.*/, namespace: "own" }, ({ path }) => ({ contents: files.get(path)! }));
          build.onLoad({ filter: /.*/, namespace: "other" }, ({ path }) => ({
            contents: reexport(fileOf.get(path)!, short.get(path)!.map(([name, as]) => [as, name])),
          }));
        },
      }],
    });
    joined.set(file, outputFiles[0]!.contents);
  }
  return { files: joined, fileOf };
}

/** Reads the exports and imports of client code. */
async function readChunks(files: ReadonlyMap<string, Uint8Array>): Promise<Chunks> {
  const { metafile } = await esbuild.build({
    entryPoints: [...files.keys()].map((name) => ({ in: name, out: name.replace(/\.js$/, "") })),
    outdir: "/",
    absWorkingDir: "/",
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    logLevel: "silent",
    plugins: [{
      name: "read chunks",
      setup(build) {
        build.onResolve(
          { filter: /.*/ },
          ({ path, kind }) => kind === "entry-point" ? { path, namespace: "chunk" } : { path, external: true },
        );
        build.onLoad({ filter: /.*/, namespace: "chunk" }, ({ path }) => ({ contents: files.get(path)! }));
      },
    }],
  });
  return new Map([...files].map(([name, content]) => {
    const { exports, imports } = metafile.outputs[name]!;
    const filesOf = (wanted: esbuild.ImportKind) =>
      imports.filter(({ kind }) => kind === wanted).map(({ path }) => withoutDot(path));
    return [name, { content, exports, imports: filesOf("import-statement"), later: filesOf("dynamic-import") }];
  }));
}

/** Lists the files that a file imports statically, directly or through others. */
function importedBy(chunks: Chunks, start: string): string[] {
  const found = new Set([start]);
  for (const name of found) {
    for (const next of chunks.get(name)!.imports) found.add(next);
  }
  found.delete(start);
  return [...found];
}

/** Finds the new file of each chunk that islands import statically, by the chunk's name. */
function groupChunks(chunks: Chunks): Map<string, string> {
  const islands = [...chunks.keys()].filter((name) => name !== RUNTIME && !CHUNK_NAME.test(name));
  const always = new Set([RUNTIME, ...importedBy(chunks, RUNTIME)]);
  const loadedBy = new Map<string, string[]>();
  for (const name of always) loadedBy.set(name, islands);
  for (const island of islands) {
    for (const name of [island, ...importedBy(chunks, island)]) {
      if (!always.has(name)) loadedBy.set(name, [...loadedBy.get(name) ?? [], island]);
    }
  }

  let count = 0;
  const fileOf = new Map<string, string>();
  for (const members of Map.groupBy(loadedBy.keys(), (name) => loadedBy.get(name)!.join()).values()) {
    const entry = members.find((name) => name === RUNTIME || islands.includes(name));
    // Other pages may load on demand what an island imports statically: they must not get the whole island with it.
    const others = islands.filter((island) => island !== entry);
    const isShared = entry === undefined || entry !== RUNTIME &&
        others.some((other) => members.some((name) => name !== entry && reaches(chunks, other, name, entry)));
    const file = isShared ? `part-${++count}.js` : entry;
    for (const name of members) fileOf.set(name, name === entry ? entry : file);
  }
  return fileOf;
}

/** Tells whether one file may ever load another, statically or on demand, other than through a third. */
function reaches(chunks: Chunks, from: string, to: string, without: string): boolean {
  const found = new Set([from]);
  for (const name of found) {
    const { imports, later } = chunks.get(name)!;
    for (const next of [...imports, ...later]) if (next !== without) found.add(next);
  }
  return found.has(to);
}

/** Gives each export of each joined chunk a short name, unique among all. Entries keep the names of their exports. */
function shortNames(chunks: Chunks, fileOf: ReadonlyMap<string, string>): Map<string, [string, string][]> {
  const isEntry = (chunk: string) => fileOf.get(chunk) === chunk;
  const taken = new Set([...fileOf.keys()].filter(isEntry).flatMap((chunk) => chunks.get(chunk)!.exports));
  let count = 0;
  const next = (): string => {
    const name = `x${(count++).toString(36)}`;
    return taken.has(name) ? next() : name;
  };
  return new Map([...fileOf.keys()].map((chunk) => {
    const names = chunks.get(chunk)!.exports;
    return [chunk, names.map((name): [string, string] => [name, isEntry(chunk) ? name : next()])];
  }));
}

function reexport(file: string, names: readonly [string, string][]): string {
  if (names.length === 0) return `import "./${file}";`;
  return `export { ${names.map(([name, as]) => `${name} as ${as}`).join(", ")} } from "./${file}";`;
}

const withoutDot = (path: string) => path.replace(/^\.\//, "");
