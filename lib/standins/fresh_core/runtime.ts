/** Local stand-in for `@fresh/core/runtime`: what pages and islands may import. Runs in browser and server. */
export { asset, assetSrcSet } from "./asset.ts";
export { Head, type HeadProps } from "./head.ts";
export { HttpError } from "./error.ts";

/** True in the browser, false on the server. */
export const IS_BROWSER = typeof document !== "undefined";
