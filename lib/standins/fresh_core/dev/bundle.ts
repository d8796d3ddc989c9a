import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
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
  /** Name of the client runtime's file and of everything that it imports statically. */
  runtime: string[];
  /** The same for each island, by its specifier. */
  islands: Record<string, string[]>;
}

/** Settings of {@linkcode bundle}. */
export interface BundleOptions {
  config: DenoConfig;
  root: string;
  islands: readonly string[];
  isProduction: boolean;
  target: string | string[];
}

const RUNTIME = "fresh-runtime.js";

/**
 * Bundles the client runtime and all islands for browsers. It splits them so that shared code is loaded once and code
 * imported on demand is loaded on demand. `Deno.bundle` cannot be used: it applies `"jsx": "precompile"`, whose
 * templates only a server can render.
 */
export async function bundle(options: BundleOptions): Promise<ClientCode> {
  const { config, root, isProduction } = options;
  const entryPoints: Record<string, string> = {
    "fresh-runtime": fileURLToPath(new URL("../client/boot.ts", import.meta.url)),
  };
  const nameOf = (island: string) => island.slice(island.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
  for (const island of options.islands) entryPoints[nameOf(island)] = join(root, island);

  const result = await esbuild.build({
    entryPoints,
    absWorkingDir: config.dir,
    outdir: ".",
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
    sourcemap: isProduction ? false : "inline",
    jsx: "automatic",
    jsxImportSource: config.jsxImportSource,
    tsconfigRaw: {},
    define: {
      "process.env.NODE_ENV": JSON.stringify(isProduction ? "production" : "development"),
    },
    logLevel: "silent",
    plugins: [denoResolver(config)],
  });

  const { outputs } = result.metafile;
  const modules = (entry: string) => {
    const found = new Set([entry]);
    for (const name of found) {
      for (const { kind, path } of outputs[name]!.imports) if (kind === "import-statement") found.add(path);
    }
    return [...found];
  };
  return {
    files: result.outputFiles.map(({ path, contents }) => ({ name: relative(config.dir, path), content: contents })),
    runtime: modules(RUNTIME),
    islands: Object.fromEntries(options.islands.map((island) => [island, modules(`${nameOf(island)}.js`)])),
  };
}

/** Ends the bundler's process. The next {@linkcode bundle} starts it again. */
export async function stopBundler(): Promise<void> {
  await esbuild.stop();
}

/** Returns the errors of a failed bundle as text, or null for another error. */
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

/** Resolves imports of the project's own files as Deno does. Packages resolve imports among themselves as in Node. */
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
