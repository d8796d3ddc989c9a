/** For the generated `_fresh/server.js` only. */
export { setBuildCache } from "./app.ts";
export { storedBuild } from "./build_cache.ts";
