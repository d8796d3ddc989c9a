/** The project's own source files and what they import, for the tests that hold its structure. */
import { posix } from "node:path";

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url);

/** Folders that hold product code. Tests and benchmarks may import anything. */
const PRODUCT = ["lib", "components", "islands", "routes", "main.ts", "dev.ts"];

export interface Source {
  /** Relative to the project's folder, with slashes. */
  path: string;
  text: string;
  imports: readonly Import[];
}

export interface Import {
  /** Path of the imported file of this project. */
  path: string;
  /** By `import()`, at the first use. */
  lazy: boolean;
}

/** All files below `paths` whose names end in one of `endings`, in the order of their paths. */
export function filesIn(paths: readonly string[], endings: readonly string[]): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    const { isDirectory, isFile } = Deno.statSync(new URL(path, ROOT));
    if (isFile && endings.some((ending) => path.endsWith(ending))) found.push(path);
    if (isDirectory) { for (const { name } of Deno.readDirSync(new URL(path, ROOT))) visit(`${path}/${name}`); }
  };
  for (const path of paths) visit(path);
  return found.sort();
}

/** The product's TypeScript files. */
export function productSources(): Source[] {
  return filesIn(PRODUCT, [".ts", ".tsx"]).map((path) => {
    const text = Deno.readTextFileSync(new URL(path, ROOT));
    return { path, text, imports: importsOf(path, text) };
  });
}

/** The imports of a file within this project, types included; packages are left out. */
export function importsOf(path: string, text: string): Import[] {
  const statement =
    /(?:^|\n)\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [...text.matchAll(statement)].flatMap(([, plain, lazy]) => {
    const name = plain ?? lazy ?? "";
    if (name.startsWith("@/")) return [{ path: name.slice(2), lazy: lazy !== undefined }];
    if (!name.startsWith(".")) return [];
    return [{ path: posix.join(posix.dirname(path), name), lazy: lazy !== undefined }];
  });
}
