import { join, relative } from "node:path";
import { filesBelow } from "./files.ts";
import { type OnTransformArgs, type ProcessedFile, type Transform, transformFile } from "./transform.ts";

/** Where static files come from. */
export interface StaticSource {
  /** Absolute paths; the first that has a file wins. */
  dirs: readonly string[];
  transforms: readonly Transform[];
  settings: Pick<OnTransformArgs, "target" | "mode" | "root">;
  /** A folder that may lie inside one of `dirs` and is not part of it. */
  leaveOut: string;
}

/** Hidden files are not served, except those that RFC 8615 puts in the open. */
const HIDDEN = /[/\\]\.(?!well-known(?:[/\\]|$))[^/\\]+/;

function urlPath(dir: string, path: string): string {
  return `/${relative(dir, path).replaceAll("\\", "/")}`;
}

/** All static files by decoded URL path, transformed. */
export async function readStaticFiles(source: StaticSource): Promise<Map<string, ProcessedFile>> {
  const files = new Map<string, ProcessedFile>();
  for (const dir of source.dirs) {
    const isWanted = (path: string) =>
      !HIDDEN.test(path.slice(dir.length)) &&
      !path.startsWith(source.leaveOut + "/");
    for (const path of await filesBelow(dir, isWanted)) {
      for (
        const file of await transformFile(source.transforms, path, await Deno.readFile(path), source.settings)
      ) {
        const name = urlPath(dir, file.path);
        if (name.startsWith("/..")) {
          throw new Error(`A transform put ${file.path} outside of ${dir}.`);
        }
        if (!files.has(name)) files.set(name, file);
      }
    }
  }
  return files;
}

/** One static file as it is now, transformed, or null. `path` is a decoded URL path without "..". */
export async function readStaticFile(source: StaticSource, path: string): Promise<ProcessedFile | null> {
  if (HIDDEN.test(path)) return null;
  for (const dir of source.dirs) {
    const filePath = join(dir, path);
    let content: Uint8Array;
    try {
      if (!(await Deno.stat(filePath)).isFile) continue;
      content = await Deno.readFile(filePath);
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory
      ) continue;
      throw error;
    }
    const files = await transformFile(source.transforms, filePath, content, source.settings);
    return files.find((file) => urlPath(dir, file.path) === path) ?? null;
  }
  return null;
}
