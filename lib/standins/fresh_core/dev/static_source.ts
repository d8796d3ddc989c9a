import { join, relative } from "node:path";
import { contentTypeOf } from "../content_type.ts";
import { filesBelow } from "./files.ts";

/** The static files that a transform gets. */
export interface OnTransformOptions {
  pluginName: string;
  /** Matched against the file's absolute path. */
  filter: RegExp;
}

/** A static file as a transform gets it. */
export interface OnTransformArgs {
  /** Absolute. */
  path: string;
  text: string;
  content: Uint8Array;
  mode: "development" | "production";
}

/** Returns new content for a static file, or nothing to leave it unchanged. */
export type TransformFn = (
  args: OnTransformArgs,
) => void | { content: string | Uint8Array } | Promise<void | { content: string | Uint8Array }>;

/** Where static files come from. */
export interface StaticSource {
  /** Absolute path of the folder. */
  dir: string;
  /** Each runs on the result of those before it. */
  transforms: readonly { options: OnTransformOptions; callback: TransformFn }[];
  mode: "development" | "production";
}

/** A static file after all transforms. */
export interface ProcessedFile {
  content: Uint8Array;
  contentType: string;
}

/** Hidden files are not served, except those in the folder that RFC 8615 reserves. */
const HIDDEN = /[/\\]\.(?!well-known(?:[/\\]|$))[^/\\]+/;

/** Returns all static files by decoded URL path, transformed. */
export async function readStaticFiles(source: StaticSource): Promise<Map<string, ProcessedFile>> {
  const files = new Map<string, ProcessedFile>();
  for (const path of await filesBelow(source.dir, (path) => !HIDDEN.test(path.slice(source.dir.length)))) {
    const name = `/${relative(source.dir, path).replaceAll("\\", "/")}`;
    files.set(name, await transformed(source, path, await Deno.readFile(path)));
  }
  return files;
}

/** Returns one static file as it is now, transformed, or null. `path` is a decoded URL path without "..". */
export async function readStaticFile(source: StaticSource, path: string): Promise<ProcessedFile | null> {
  if (HIDDEN.test(path)) return null;
  const filePath = join(source.dir, path);
  try {
    if (!(await Deno.stat(filePath)).isFile) return null;
    return await transformed(source, filePath, await Deno.readFile(filePath));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

async function transformed(source: StaticSource, path: string, original: Uint8Array): Promise<ProcessedFile> {
  let content = original;
  for (const { options, callback } of source.transforms) {
    if (!options.filter.test(path)) continue;
    const made = (await callback({ path, content, text: new TextDecoder().decode(content), mode: source.mode }))
      ?.content;
    if (made !== undefined) content = typeof made === "string" ? new TextEncoder().encode(made) : made;
  }
  return { content, contentType: contentTypeOf(path) };
}
