/**
 * Local stand-in for the JSR package `@fresh/core` 2.3: the documented names, types and behaviour that this project
 * uses, and nothing else. README.md in the folder above lists what is left out.
 */
export { App } from "./app.ts";
export { csp } from "./middlewares/csp.ts";
export { csrf } from "./middlewares/csrf.ts";
export { HttpError } from "./error.ts";
export { createDefine, page } from "./handlers.ts";
export { staticFiles } from "./middlewares/static_files.ts";
export type { Context, Middleware } from "./types.ts";
