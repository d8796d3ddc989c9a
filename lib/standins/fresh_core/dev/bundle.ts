import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { type Chunk, coalesce, importedBy } from "./coalesce.ts";
import { type DenoConfig, resolveSpecifier } from "./resolve.ts";

/** One file of client code. */
export interface ClientFile {
  /** Name in the client code's folder. */
  name: string;
  content: Uint8Array;
}

/** The client code of a project. */
export interface ClientCode {
  files: ClientFile[];
  /** Name of the client runtime's file. */
  runtime: string;
  /** File name by island specifier. */
  islands: Record<string, string>;
  /** The files that a file imports at once, all the way down, by file name. */
  imports: Record<string, string[]>;
}

/** Settings of {@linkcode bundle}. */
export interface BundleOptions {
  config: DenoConfig;
  root: string;
  islands: readonly string[];
  isProduction: boolean;
  target: string | string[];
  sourceMap?: {
    kind: esbuild.BuildOptions["sourcemap"];
    sourceRoot?: esbuild.BuildOptions["sourceRoot"];
    sourcesContent?: esbuild.BuildOptions["sourcesContent"];
  };
}

/** Folder that the bundler's paths start with. Nothing is written there. */
const VIRTUAL_DIR = "_client";

/**
 * Bundles the client runtime and all islands for browsers, split so that what two islands share is loaded once and what
 * is imported on demand is loaded on demand. `Deno.bundle` cannot do it: it applies `"jsx": "precompile"`, whose
 * templates only a server can render.
 */
export async function bundle(options: BundleOptions): Promise<ClientCode> {
  const { config, root, isProduction, sourceMap } = options;
  const runtime = fileURLToPath(new URL("../client/boot.ts", import.meta.url));
  const names = uniqueNames(options.islands);
  const entryPoints: Record<string, string> = { "fresh-runtime": runtime };
  for (const [specifier, name] of names) {
    entryPoints[name] = specifier.startsWith(".") ? join(root, specifier) : specifier;
  }

  const result = await esbuild.build({
    entryPoints,
    absWorkingDir: config.dir,
    outdir: VIRTUAL_DIR,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: options.target,
    minify: isProduction,
    treeShaking: true,
    legalComments: isProduction ? "none" : "inline",
    // A module is UTF-8 whatever its headers say: escapes would only be longer.
    charset: "utf8",
    sourcemap: isProduction ? sourceMap?.kind : "inline",
    sourceRoot: sourceMap?.sourceRoot,
    sourcesContent: sourceMap?.sourcesContent,
    jsx: "automatic",
    jsxImportSource: config.jsxImportSource,
    tsconfigRaw: {},
    define: {
      "process.env.NODE_ENV": JSON.stringify(isProduction ? "production" : "development"),
    },
    logLevel: "silent",
    plugins: [denoResolver(config)],
  });

  const nameOf = (path: string) => path.slice(path.indexOf(`${VIRTUAL_DIR}/`) + VIRTUAL_DIR.length + 1);
  const contents = new Map(result.outputFiles.map(({ path, contents }) => [nameOf(path), contents]));
  let chunks = new Map(
    Object.entries(result.metafile.outputs).map(([path, { exports, imports }]): [string, Chunk] => [nameOf(path), {
      content: contents.get(nameOf(path))!,
      exports,
      imports: imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => nameOf(path)),
      later: imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => nameOf(path)),
    }]),
  );
  // Source maps would point to the chunks.
  const entries = { islands: [...names.values()].map((name) => `${name}.js`), runtime: "fresh-runtime.js" };
  if (isProduction && sourceMap === undefined) chunks = await coalesce(chunks, entries);
  return {
    files: [...chunks].map(([name, { content }]) => ({ name, content })),
    runtime: entries.runtime,
    islands: Object.fromEntries([...names].map(([specifier, name]) => [specifier, `${name}.js`])),
    imports: Object.fromEntries([...chunks.keys()].map((name) => [name, importedBy(chunks, name).sort()])),
  };
}

/** Ends the bundler's own process. The next {@linkcode bundle} starts it again. */
export async function stopBundler(): Promise<void> {
  await esbuild.stop();
}

/** The errors of a failed bundle as text, one per paragraph, or null for another error. */
export async function bundleErrors(error: unknown): Promise<string | null> {
  if (
    !(error instanceof Error) || !("errors" in error) ||
    !Array.isArray(error.errors)
  ) return null;
  return (await esbuild.formatMessages(error.errors, {
    kind: "error",
    color: false,
  })).join("\n");
}

function uniqueNames(specifiers: readonly string[]): Map<string, string> {
  const taken = new Set(["fresh-runtime"]);
  const names = new Map<string, string>();
  for (const specifier of specifiers) {
    const base = specifier.slice(specifier.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "").replace(/[^\w-]+/g, "_");
    let name = base;
    for (let count = 2; taken.has(name); count++) name = `${base}_${count}`;
    taken.add(name);
    names.set(specifier, name);
  }
  return names;
}

/** Resolves imports of the project's own files the way Deno does; packages resolve among themselves as in Node. */
function denoResolver(config: DenoConfig): esbuild.Plugin {
  return {
    name: "deno",
    setup(build) {
      build.onResolve(
        { filter: /.*/ },
        async ({ path, kind, importer, resolveDir, pluginData }) => {
          if (
            pluginData === "resolved" || importer.includes("/node_modules/")
          ) return undefined;
          if (path.startsWith("file:")) return { path: fileURLToPath(path) };
          if (/^(\.|\/|data:|https?:)/.test(path)) return undefined;
          const target = resolveSpecifier(config, path);
          if ("file" in target) return { path: target.file };
          if ("error" in target) return { errors: [{ text: target.error }] };
          const from = target.name === path && importer !== "" ? dirname(importer) : resolveDir;
          const inProject = await build.resolve(target.name, {
            kind,
            resolveDir: config.dir,
            pluginData: "resolved",
          });
          if (inProject.errors.length === 0) return inProject;
          return await build.resolve(target.name, {
            kind,
            resolveDir: from,
            pluginData: "resolved",
          });
        },
      );
    },
  };
}
