/** Local stand-in for the JSR package `@std/http`: request and response cookies, and the choice of an encoding. */
export * from "./cookie.ts";
export * from "./negotiation.ts";
