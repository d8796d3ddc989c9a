import { assertEquals, assertThrows } from "@std/assert";
import { acceptsEncodings, getCookies, setCookie } from "@std/http";
import { getCookies as fromCookiePath } from "@std/http/cookie";
import { acceptsEncodings as fromNegotiationPath } from "@std/http/negotiation";

function setHeader(cookie: Parameters<typeof setCookie>[1]): string | null {
  const headers = new Headers();
  setCookie(headers, cookie);
  return headers.get("set-cookie");
}

function requestWith(headers: HeadersInit) {
  return { headers: new Headers(headers) };
}

Deno.test("each function is also exported from its own path", () => {
  assertEquals(
    [fromCookiePath, fromNegotiationPath],
    [getCookies, acceptsEncodings],
  );
});

Deno.test("getCookies reads a request's cookies by name, and inherits no name", () => {
  const cookies = getCookies(new Headers({ cookie: "a=1; b=x=y; empty=" }));
  assertEquals({ ...cookies }, { a: "1", b: "x=y", empty: "" });
  assertEquals(cookies.toString, undefined);
  assertEquals({ ...getCookies(new Headers()) }, {});
  assertThrows(() => getCookies(new Headers({ cookie: "=x" })), SyntaxError);
});

Deno.test("setCookie writes all attributes", () => {
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

Deno.test("a __Host- cookie is secure, has path / and no domain", () => {
  assertEquals(setHeader({ name: "__Host-a", value: "1", domain: "a.example" }), "__Host-a=1; Secure; Path=/");
  assertEquals(setHeader({ name: "__Secure-a", value: "1" }), "__Secure-a=1; Secure");
});

Deno.test("setCookie refuses characters that could forge an attribute or a header", () => {
  assertThrows(() => setHeader({ name: "a b", value: "1" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1; Secure" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "ü" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", path: "/;x" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", domain: "-x" }), SyntaxError);
  assertThrows(() => setHeader({ name: "a", value: "1", maxAge: -1 }), RangeError);
});

Deno.test("acceptsEncodings picks the best encoding, with identity last unless it is refused", () => {
  const request = requestWith({ "accept-encoding": "gzip;q=0.8, br" });
  assertEquals(acceptsEncodings(request, "gzip", "br", "identity"), "br");
  assertEquals(acceptsEncodings(request), ["br", "gzip", "identity"]);
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "identity;q=0" }), "identity"), undefined);
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "zstd" }), "br", "identity"), "identity");
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "br;q=0, *" }), "br", "gzip"), "gzip");
  assertEquals(acceptsEncodings(requestWith({ "accept-encoding": "*, gzip" }), "br", "gzip"), "gzip");
  assertEquals(acceptsEncodings(requestWith({}), "br", "gzip"), "br");
});
