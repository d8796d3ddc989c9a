/** Local stand-in for `@fresh/core/dev`: development server and production build. */
export { Builder, type BuildOptions, type ResolvedBuildConfig } from "./builder.ts";
export type { OnTransformArgs, OnTransformOptions, OnTransformResult, TransformFn } from "./transform.ts";
