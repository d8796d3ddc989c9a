import type { ComponentType } from "preact";
import { join } from "node:path";
import { setBuildId } from "./build_id.ts";
import { routesToCommands } from "./routing/file_routes.ts";
import type { BuildCache, Island } from "./types.ts";

/** The modules of a project that the framework calls: the exports of `fresh.gen.ts`. Keys are paths from the root. */
export interface Manifest {
  routes: Record<string, Record<string, unknown>>;
  islands: Record<string, Record<string, unknown>>;
}

/** Everything that a build records beside modules and file contents. */
export interface BuildInfo {
  buildId: string;
  /** URL paths of the client runtime and of everything that it imports statically. */
  runtime: string[];
  /** The same for each island file, by its key in the manifest. */
  islands: Record<string, string[]>;
}

/** The content of `_fresh/snapshot.json`: the build and its static files by URL path. */
export interface Snapshot extends BuildInfo {
  files: Record<string, { hash: string; contentType: string }>;
}

/** The parts of a build that do not depend on where its static files are. */
export function buildParts<State>(
  manifest: Manifest,
  info: BuildInfo,
): Pick<BuildCache<State>, "islands" | "runtime" | "routes"> {
  setBuildId(info.buildId);
  return {
    islands: islandsOf(manifest, info),
    runtime: info.runtime,
    routes: () => routesToCommands<State>(manifest.routes),
  };
}

/** Every function that an island file exports is an island. */
function islandsOf(manifest: Manifest, info: BuildInfo): Map<ComponentType, Island> {
  const islands = new Map<ComponentType, Island>();
  for (const [key, module] of Object.entries(manifest.islands)) {
    const modules = info.islands[key];
    if (modules === undefined) throw new Error(`The build has no client code for the island file ${key}: build again.`);
    for (const exportName of Object.keys(module).sort()) {
      const fn = module[exportName];
      if (typeof fn !== "function") continue;
      const fileName = key.slice(key.lastIndexOf("/") + 1).replace(/\.[^.]+$/, "");
      const base = (exportName === "default" ? fileName : exportName).replace(/\W+/g, "_");
      islands.set(fn as ComponentType, { name: `I${islands.size}_${base}`, exportName, modules });
    }
  }
  return islands;
}

/** A production build, read from its folder. */
export function storedBuild<State>(outDir: string, manifest: Manifest, snapshot: Snapshot): BuildCache<State> {
  const files = new Map(Object.entries(snapshot.files));
  return {
    mode: "production",
    ...buildParts<State>(manifest, snapshot),
    async readFile(path) {
      const stored = files.get(path);
      if (stored === undefined) return null;
      const file = await Deno.open(join(outDir, "static", path));
      const { size } = await file.stat();
      return { ...stored, size, readable: file.readable, close: () => file.close() };
    },
  };
}
