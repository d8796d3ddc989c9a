/** Local stand-in for `@fresh/core/dev`: the development server and the production build. */
export { Builder } from "./builder.ts";
