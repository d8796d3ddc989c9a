import { dirname, join, resolve } from "node:path";

/** The parts of a deno.json that affect client code. */
export interface DenoConfig {
  /** Absolute path of its folder. */
  dir: string;
  jsxImportSource: string;
  imports: Record<string, string>;
  /** Local packages by name, with their exports as absolute paths. */
  links: Record<string, Record<string, string>>;
}

/** A resolved import specifier: a file, an npm package (with sub-path), or the reason why it cannot be bundled. */
export type Resolved = { file: string } | { name: string } | { error: string };

interface DenoJson {
  name?: string;
  imports?: Record<string, string>;
  links?: string[];
  exports?: Record<string, string>;
  compilerOptions?: { jsxImportSource?: string };
}

async function readConfig(dir: string): Promise<DenoJson | null> {
  try {
    return JSON.parse(await Deno.readTextFile(join(dir, "deno.json")));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Reads the nearest deno.json at or above a folder. Throws when there is none. */
export async function findConfig(root: string): Promise<DenoConfig> {
  for (let dir = resolve(root);; dir = dirname(dir)) {
    const json = await readConfig(dir);
    if (json === null) {
      if (dir === dirname(dir)) {
        throw new Error(`No deno.json at or above ${root}.`);
      }
      continue;
    }
    const links: DenoConfig["links"] = {};
    for (const link of json.links ?? []) {
      const linked = await readConfig(resolve(dir, link));
      if (linked?.name === undefined) continue;
      links[linked.name] = Object.fromEntries(
        Object.entries(linked.exports ?? {}).map(([key, path]) => [key, resolve(dir, link, path)]),
      );
    }
    return {
      dir,
      jsxImportSource: json.compilerOptions?.jsxImportSource ?? "preact",
      imports: json.imports ?? {},
      links,
    };
  }
}

/** Resolves a specifier that is not a path by the import map of the deno.json. */
export function resolveSpecifier(config: DenoConfig, specifier: string): Resolved {
  const mapped = applyImportMap(config.imports, specifier);
  if (
    mapped.startsWith("./") || mapped.startsWith("../") ||
    mapped.startsWith("/")
  ) {
    return { file: resolve(config.dir, mapped) };
  }
  const registry = /^(npm|jsr):\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/
    .exec(mapped);
  if (registry === null) return { name: mapped };
  const [, kind, name = "", path = ""] = registry;
  if (kind === "npm") return { name: name + path };
  const file = config.links[name]?.[path === "" ? "." : `.${path}`];
  return file === undefined
    ? {
      error: `"${specifier}" is the JSR package ${name}${path}, which no folder in deno.json's "links" stands in for.`,
    }
    : { file };
}

/** Tries the exact key first, then the longest key that ends in "/", then sub-paths of a package key. */
function applyImportMap(imports: Record<string, string>, specifier: string): string {
  const exact = imports[specifier];
  if (exact !== undefined) return exact;
  const byLength = Object.keys(imports).sort((a, b) => b.length - a.length);
  for (const key of byLength) {
    const target = imports[key]!;
    if (key.endsWith("/") && specifier.startsWith(key)) {
      return target + specifier.slice(key.length);
    }
    if (specifier.startsWith(`${key}/`) && /^(npm|jsr):/.test(target)) {
      return target + specifier.slice(key.length);
    }
  }
  return specifier;
}
