import { contentTypeOf } from "../content_type.ts";

/** Which static files a transform gets. */
export interface OnTransformOptions {
  pluginName: string;
  /** Matched against the file's absolute path. */
  filter: RegExp;
  /** Files to leave alone: a part of the path, or a pattern. */
  exclude?: Array<string | RegExp>;
}

/** A file as the transform left it. Without `path` it keeps its place. */
export interface OnTransformResult {
  content: string | Uint8Array;
  path?: string;
  map?: string | Uint8Array;
}

/** A static file on its way through the transforms. */
export interface OnTransformArgs {
  path: string;
  target: string | string[];
  text: string;
  content: Uint8Array;
  mode: "development" | "production";
  root: string;
}

type TransformOutput =
  | void
  | OnTransformResult
  | Array<{ path: string } & Omit<OnTransformResult, "path">>;

/** Returns the file anew, several files, or nothing to leave it as it is. */
export type TransformFn = (args: OnTransformArgs) => TransformOutput | Promise<TransformOutput>;

/** A transform with its filter. */
export interface Transform {
  options: OnTransformOptions;
  callback: TransformFn;
}

/** A static file after all transforms. `path` is absolute. */
export interface ProcessedFile {
  path: string;
  content: Uint8Array;
  contentType: string;
}

const encoder = new TextEncoder();

function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? encoder.encode(content) : content;
}

function applies({ filter, exclude = [] }: OnTransformOptions, path: string): boolean {
  if (!filter.test(path)) return false;
  return !exclude.some((item) => typeof item === "string" ? path.includes(item) : item.test(path));
}

/** Runs a static file through the transforms that ask for it, each on what the ones before made. */
export async function transformFile(
  transforms: readonly Transform[],
  path: string,
  content: Uint8Array,
  settings: Pick<OnTransformArgs, "target" | "mode" | "root">,
): Promise<ProcessedFile[]> {
  let files: { path: string; content: Uint8Array }[] = [{ path, content }];
  for (const { options, callback } of transforms) {
    const next: typeof files = [];
    for (const file of files) {
      if (!applies(options, file.path)) {
        next.push(file);
        continue;
      }
      let text: string | undefined;
      const result = await callback({
        ...settings,
        ...file,
        get text() {
          return text ??= new TextDecoder().decode(file.content);
        },
      });
      if (result === undefined) next.push(file);
      else if (Array.isArray(result)) {
        next.push(
          ...result.map((made) => ({
            path: made.path,
            content: toBytes(made.content),
          })),
        );
      } else {next.push({
          path: result.path ?? file.path,
          content: toBytes(result.content),
        });}
    }
    files = next;
  }
  return files.map((file) => ({
    ...file,
    contentType: contentTypeOf(file.path),
  }));
}
