/** Local stand-in for `@fresh/core/runtime`: what pages and islands may import. */
export { asset } from "./asset.ts";
export { Head } from "./render/head.ts";
