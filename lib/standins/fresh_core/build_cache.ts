import type { ComponentType } from "preact";
import { setBuildId } from "./build_id.ts";
import { routesToCommands } from "./fs_routes.ts";
import type { Command } from "./tree.ts";

/** One island component, and the client code that makes it live. */
export interface Island {
  /** URL path of the module that exports it. */
  file: string;
  /** Unique among the islands of a build; a JavaScript identifier. */
  name: string;
  exportName: string;
  fn: ComponentType;
  css: string[];
}

/** A static file, open for reading. Whoever gets one reads it or calls `close`. */
export interface StaticFile {
  /** Hash of the content, or null where it is not known. */
  hash: string | null;
  size: number;
  contentType: string;
  /** Set for a stored compressed form. */
  encoding: Encoding | null;
  /** The content is also stored compressed, so the answer depends on Accept-Encoding. */
  varies: boolean;
  readable: ReadableStream<Uint8Array> | Uint8Array;
  close(): void;
}

/** The stored compressed forms, best first. */
export type Encoding = "br" | "gzip";

/** A build as the app sees it: routes, islands, static files. */
// deno-lint-ignore no-explicit-any -- the state type is the app's
export interface BuildCache<State = any> {
  readonly root: string;
  readonly islands: Map<ComponentType, Island>;
  /** URL path of the client runtime. */
  readonly clientEntry: string;
  /** URL path of the script that reloads the page on a change; development only. */
  readonly reloadEntry?: string;
  /** URL paths that a module imports at once, itself not included. */
  importsOf(file: string): readonly string[];
  routes(): Command<State>[];
  /** Opens a static file by its decoded URL path. `accepts` are the encodings that the client takes. */
  readFile(path: string, accepts: readonly Encoding[]): Promise<StaticFile | null>;
  /** Told of every error that reaches a middleware; development only. */
  onError?(error: unknown): void;
  /** The answer to an error without an error page; development only. */
  errorPage?(error: unknown): Response;
}

/** The modules of a project that the framework calls: what `fresh.gen.ts` exports. Keys are paths from the root. */
export interface Manifest {
  routes: Record<string, Record<string, unknown>>;
  islands: Record<string, Record<string, unknown>>;
}

/** What a build knows of itself apart from modules and file contents. Stored as JSON. */
export interface BuildInfo {
  buildId: string;
  clientEntry: string;
  /** Path of the routes folder from the root, as in the manifest's keys. */
  routeDir: string;
  /** URL path of each island file's module, by its key in the manifest. */
  islandFiles: Record<string, string>;
  /** URL paths that each module imports at once, all the way down. */
  imports: Record<string, string[]>;
}

/** What the two kinds of build have in common: everything but where static files lie. */
export function buildParts<State>(
  manifest: Manifest,
  info: BuildInfo,
): Pick<BuildCache<State>, "islands" | "clientEntry" | "importsOf" | "routes"> {
  setBuildId(info.buildId);
  return {
    islands: islandsOf(manifest, info),
    clientEntry: info.clientEntry,
    importsOf: (file) => info.imports[file] ?? [],
    routes: () => routesToCommands<State>(manifest.routes, info.routeDir),
  };
}

/** Every function that an island file exports is an island. */
function islandsOf(manifest: Manifest, info: BuildInfo): Map<ComponentType, Island> {
  const islands = new Map<ComponentType, Island>();
  const names = new Set<string>();
  for (const [key, module] of Object.entries(manifest.islands)) {
    const file = info.islandFiles[key];
    if (file === undefined) {
      throw new Error(
        `The build has no client code for the island file ${key}: build again.`,
      );
    }
    for (const exportName of Object.keys(module).sort()) {
      const fn = module[exportName];
      if (typeof fn !== "function") continue;
      const fileName = key.slice(key.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
      const base = (exportName === "default" ? fileName : exportName).replace(/[^A-Za-z0-9_$]+/g, "_");
      let name = `I_${base}`;
      for (let count = 2; names.has(name); count++) name = `I_${base}_${count}`;
      names.add(name);
      islands.set(fn as ComponentType, {
        file,
        name,
        exportName,
        fn: fn as ComponentType,
        css: [],
      });
    }
  }
  return islands;
}

/** For an app without a build, as in tests of handlers: no file routes, no islands, no static files. */
export function emptyBuildCache<State>(): BuildCache<State> {
  return {
    root: ".",
    islands: new Map(),
    clientEntry: "",
    importsOf: () => [],
    routes: () => [],
    readFile: () => Promise.resolve(null),
  };
}
