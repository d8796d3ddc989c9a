/** Local stand-in for the JSR package `@std/http`: cookies, ETags, negotiation, server-sent events, status codes. */
export * from "./cookie.ts";
export * from "./etag.ts";
export * from "./negotiation.ts";
export * from "./server_sent_event_stream.ts";
export * from "./status.ts";
