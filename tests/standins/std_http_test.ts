import { assertEquals, assertThrows } from "@std/assert";
import {
  accepts,
  acceptsEncodings,
  acceptsLanguages,
  deleteCookie,
  eTag,
  getCookies,
  getSetCookies,
  ifMatch,
  ifNoneMatch,
  isClientErrorStatus,
  isErrorStatus,
  isStatus,
  ServerSentEventStream,
  setCookie,
  STATUS_CODE,
  STATUS_TEXT,
} from "@std/http";
import { getCookies as fromCookiePath } from "@std/http/cookie";
import { eTag as fromEtagPath } from "@std/http/etag";
import { accepts as fromNegotiationPath } from "@std/http/negotiation";
import { ServerSentEventStream as fromStreamPath } from "@std/http/server-sent-event-stream";
import { STATUS_CODE as fromStatusPath } from "@std/http/status";

function setHeader(cookie: Parameters<typeof setCookie>[1]): string | null {
  const headers = new Headers();
  setCookie(headers, cookie);
  return headers.get("set-cookie");
}

function requestWith(headers: HeadersInit) {
  return { headers: new Headers(headers) };
}

Deno.test("each part is also exported by its own path", () => {
  assertEquals(
    [fromCookiePath, fromEtagPath, fromNegotiationPath, fromStreamPath, fromStatusPath],
    [getCookies, eTag, accepts, ServerSentEventStream, STATUS_CODE],
  );
});

Deno.test("a request's cookies are read by name, and no name is inherited", () => {
  const cookies = getCookies(new Headers({ cookie: "a=1; b=x=y; empty=" }));
  assertEquals({ ...cookies }, { a: "1", b: "x=y", empty: "" });
  assertEquals(cookies.toString, undefined);
  assertEquals({ ...getCookies(new Headers()) }, {});
  assertThrows(() => getCookies(new Headers({ cookie: "=x" })), SyntaxError);
});

Deno.test("a cookie is set with its attributes", () => {
  assertEquals(
    setHeader({
      name: "sid",
      value: "1",
      maxAge: 60,
      domain: "a.example",
      path: "/x",
      secure: true,
      httpOnly: true,
      partitioned: true,
      sameSite: "Strict",
      expires: 0,
      unparsed: ["k=v"],
    }),
    "sid=1; Secure; HttpOnly; Partitioned; Max-Age=60; Domain=a.example; SameSite=Strict; Path=/x; k=v",
  );
  assertEquals(setHeader({ name: "a", value: "", expires: new Date(0) }), "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  assertEquals(setHeader({ name: "", value: "x" }), null);
});

Deno.test("a __Host- cookie is secure, for the whole site and for no domain", () => {
  assertEquals(setHeader({ name: "__Host-a", value: "1", domain: "a.example" }), "__Host-a=1; Secure; Path=/");
  assertEquals(setHeader({ name: "__Secure-a", value: "1" }), "__Secure-a=1; Secure");
});

Deno.test("what could forge an attribute or a header is refused", () => {
  assertThrows(() => setHeader({ name: "a b", value: "1" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1; Secure" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "ü" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", path: "/;x" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", domain: "-x" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", maxAge: -1 }), RangeError);
});

Deno.test("a deleted cookie has ended long ago", () => {
  const headers = new Headers();
  deleteCookie(headers, "a", { path: "/x", secure: true });
  assertEquals(headers.get("set-cookie"), "a=; Secure; Path=/x; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
});

Deno.test("the cookies of an answer are read with their attributes", () => {
  const headers = new Headers();
  setCookie(headers, { name: "a", value: "1", maxAge: 5, httpOnly: true, sameSite: "Lax", path: "/" });
  setCookie(headers, { name: "b", value: "2", expires: new Date(86_400_000), secure: true });
  assertEquals(getSetCookies(headers), [
    { name: "a", value: "1", maxAge: 5, httpOnly: true, sameSite: "Lax", path: "/" },
    { name: "b", value: "2", expires: new Date(86_400_000), secure: true },
  ]);
});

Deno.test("status codes and texts belong together", () => {
  assertEquals(STATUS_CODE.NotFound, 404);
  assertEquals(STATUS_TEXT[STATUS_CODE.Teapot], "I'm a teapot");
  assertEquals([isStatus(404), isStatus(499), isErrorStatus(503), isClientErrorStatus(503)], [
    true,
    false,
    true,
    false,
  ]);
});

Deno.test("equal content has an equal tag, other content another", async () => {
  assertEquals(await eTag("hello"), '"5-LPJNul+wow4m6DsqxbninhsWHlw"');
  assertEquals(await eTag(new TextEncoder().encode("hello"), { weak: true }), 'W/"5-LPJNul+wow4m6DsqxbninhsWHlw"');
  assertEquals((await eTag("")).startsWith('"0-'), true);
  const tag = await eTag({ mtime: new Date(0), size: 17 });
  assertEquals(tag?.startsWith('W/"11-'), true);
  assertEquals(await eTag({ mtime: null, size: 17 }), undefined);
});

Deno.test("If-None-Match compares weakly, If-Match strongly", () => {
  assertEquals(ifNoneMatch('"a", W/"b"', '"b"'), false);
  assertEquals(ifNoneMatch('"a"', '"b"'), true);
  assertEquals(ifNoneMatch("*", '"b"'), false);
  assertEquals(ifNoneMatch(null, '"b"'), true);
  assertEquals(ifMatch('"a", "b"', '"b"'), true);
  assertEquals(ifMatch('W/"b"', 'W/"b"'), false);
  assertEquals(ifMatch("*", '"b"'), true);
});

Deno.test("the best media type is chosen by weight and by how exactly it was asked for", () => {
  const request = requestWith({ accept: "text/html, application/json;q=0.5, */*;q=0.1" });
  assertEquals(accepts(request, "application/json", "text/html"), "text/html");
  assertEquals(accepts(request, "image/png", "application/json"), "application/json");
  assertEquals(accepts(request), ["text/html", "application/json", "*/*"]);
  assertEquals(accepts(requestWith({ accept: "text/*;q=0" }), "text/html"), undefined);
  assertEquals(accepts(requestWith({}), "a/b", "c/d"), "a/b");
});

Deno.test("the best encoding is chosen, identity last unless it is refused", () => {
  const request = requestWith({ "accept-encoding": "gzip;q=0.8, br" });
  assertEquals(acceptsEncodings(request, "gzip", "br", "identity"), "br");
  assertEquals(acceptsEncodings(request), ["br", "gzip", "identity"]);
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "identity;q=0" }), "identity"), undefined);
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "zstd" }), "br", "identity"), "identity");
});

Deno.test("the best language is chosen, a region falling back to its language", () => {
  const request = requestWith({ "accept-language": "de-AT, es;q=0.9, en;q=0.8" });
  assertEquals(acceptsLanguages(request, "en", "es", "de-AT"), "de-AT");
  assertEquals(acceptsLanguages(request, "en", "de"), "de");
  assertEquals(acceptsLanguages(request, "fr"), undefined);
  assertEquals(acceptsLanguages(request), ["de-AT", "es", "en"]);
});

Deno.test("events become an event stream, and a name cannot smuggle in a field", async () => {
  const text = async (message: { event?: string; data?: string; comment?: string; id?: number; retry?: number }) =>
    await new Response(ReadableStream.from([message]).pipeThrough(new ServerSentEventStream())).text();
  assertEquals(
    await text({ comment: "c", event: "e", data: "1\n2", id: 3, retry: 100 }),
    ":c\nevent:e\ndata:1\ndata:2\nid:3\nretry:100\n\n",
  );
  const error = await text({ event: "a\ndata:x" }).catch((error) => error);
  assertEquals(error instanceof SyntaxError, true);
});
