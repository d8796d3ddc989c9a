/** The small parts: settings, verifier, addresses, rates, people, recent events. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import { toBase64Url } from "../../lib/shared/base64url.ts";
import { PAGE_MAX_BYTES } from "../../lib/protocol/limits.ts";
import { ConfigError, readConfig } from "../../lib/server/config/read_config.ts";
import { DEFAULT_CONFIG, type Platform } from "../../lib/server/config/server_config.ts";
import { nameDevice, readDevice, sourceOf } from "../../lib/server/http/device.ts";
import { contains, readAddress } from "../../lib/server/http/ip_address.ts";
import { People } from "../../lib/server/rooms/people.ts";
import { RecentEvents } from "../../lib/server/rooms/recent_events.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { mayOpenSocket } from "../../lib/server/connections/websocket.ts";
import type { WireEvent } from "../../lib/protocol/event.ts";

const env = (values: Record<string, string>) => (name: string) => values[name];

Deno.test("an empty environment gives the defaults", () => {
  assertEquals(readConfig(env({})), DEFAULT_CONFIG);
});

Deno.test("every wrong setting has a line of its own", () => {
  const error = assertThrows(() =>
    readConfig(env({
      FESTIVAL_MESSAGE_BURST: "many",
      FESTIVAL_RETENTION_DAYS: "0",
      FESTIVAL_KV_URL: "ftp://x",
      FESTIVAL_ENVIRONMENT: "prod",
      FESTIVAL_ORIGINS: "https://a.example, b.example",
    })), ConfigError);
  assertEquals(error.mistakes.length, 5);
  for (const line of error.mistakes) assert(line.startsWith("FESTIVAL_"), line);
});

Deno.test("senseless monitoring settings stop the start", () => {
  const wrong: Record<string, string> = {
    FESTIVAL_PROBE_SECONDS: "1",
    FESTIVAL_REPORT_PERCENT: "101",
    FESTIVAL_REPORT_SECONDS: "0",
    FESTIVAL_METRICS_TOKEN: "short",
    FESTIVAL_LOG_LEVEL: "loud",
  };
  const error = assertThrows(() => readConfig(env(wrong)), ConfigError);
  for (const name of Object.keys(wrong)) assert(error.mistakes.some((line) => line.startsWith(name)), name);
  // A wrong token may be a valid one elsewhere.
  assert(!error.message.includes("short"));
  const off = readConfig(env({ FESTIVAL_PROBE_SECONDS: "0", FESTIVAL_REPORT_PERCENT: "0" })).monitoring;
  assertEquals([off.probeEveryMs, off.reportShare, off.token], [0, 0, undefined]);
});

Deno.test("environment and platform are detected, and only proxies on this machine are trusted by default", () => {
  const found = (values: Record<string, string>) => {
    const { environment, platform, trustedProxies } = readConfig(env(values));
    const trusts = (text: string) => trustedProxies.some((network) => contains(network, readAddress(text)!));
    return [environment, platform, ["127.0.0.1", "::1", "10.0.0.1", "fe80::1"].filter(trusts)];
  };
  const local = ["127.0.0.1", "::1"];
  assertEquals(found({ DENO_DEPLOYMENT_ID: "abc" }), ["production", "deno-deploy", local]);
  assertEquals(found({ DENO_DEPLOY: "1", FESTIVAL_ENVIRONMENT: "staging" }), ["staging", "deno-deploy", local]);
  assertEquals(found({ container: "podman" }), ["production", "container", local]);
  assertEquals(found({ FESTIVAL_ENVIRONMENT: "development" }), ["development", "plain", local]);
  assertEquals(found({ FESTIVAL_TRUSTED_PROXIES: "10.0.0.0/8, fe80::/10" })[2], ["10.0.0.1", "fe80::1"]);
});

Deno.test("the server's verifier accepts a phone's signatures and nothing else", async () => {
  const signer = await (await ed25519()).signer(new Uint8Array(32).fill(7));
  const verifier = nodeVerifier(2);
  const signature = await signer.sign("häl😀");
  assert(await verifier.verify(signer.author, "häl😀", signature));
  assert(!await verifier.verify(signer.author, "häl😁", signature));
  assert(
    !await verifier.verify(signer.author, "häl😀", signature.replace(/^./, (letter) => letter === "A" ? "B" : "A")),
  );
  for (const junk of ["", "x", toBase64Url(new Uint8Array(32).fill(255)), toBase64Url(new Uint8Array(31))]) {
    assert(!await verifier.verify(junk, "häl😀", signature), junk);
  }
  assert(await verifier.verify(signer.author, "häl😀", signature), "after other keys took its place in the cache");
});

Deno.test("a key of small order signs nothing, though its signatures fit every text", async () => {
  const verifier = nodeVerifier();
  // The neutral element as key and as R, S = 0: the equation S·B = R + h·A holds for every h.
  const one = new Uint8Array(32);
  one[0] = 1;
  const signature = new Uint8Array(64);
  signature[0] = 1;
  const { verify } = await import("node:crypto");
  const { createPublicKey } = await import("node:crypto");
  const { Buffer } = await import("node:buffer");
  const der = Buffer.from([0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0, ...one]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  assert(verify(null, Buffer.from("anything"), key, signature), "the library alone would take it");
  for (const sign of [0, 0x80]) {
    const author = Uint8Array.from(one);
    author[31]! |= sign;
    assert(!await verifier.verify(toBase64Url(author), "anything", toBase64Url(signature)));
  }
});

Deno.test("only a trusted proxy says where a request came from, and whether by https", () => {
  const config = (platform: Platform = "plain") => ({ ...readConfig(() => undefined), platform });
  const from = (hostname: string | undefined, headers: Record<string, string>, platform?: Platform) => {
    const remoteAddr = hostname === undefined ? undefined : { transport: "tcp", hostname, port: 1 } as const;
    return sourceOf({ url: new URL("http://x/"), headers: new Headers(headers), remoteAddr }, config(platform));
  };
  const claims = { "x-forwarded-for": "203.0.113.5", "x-forwarded-proto": "https" };
  assertEquals(from("192.0.2.9", claims), { address: "192.0.2.9", secure: false, proxied: false });
  assertEquals(from("127.0.0.1", claims), { address: "203.0.113.5", secure: true, proxied: true });
  assertEquals(from("::ffff:127.0.0.1", claims), { address: "203.0.113.5", secure: true, proxied: true });
  assertEquals(from(undefined, claims).address, "203.0.113.5", "a Unix socket");
  assert(!from("127.0.0.1", { "x-forwarded-proto": "https, http" }).secure, "the nearest proxy's word counts");
  assert(!from("127.0.0.1", {}).secure);
  assert(from("192.0.2.9", {}, "deno-deploy").secure, "always https there, whatever a visitor claims");
});

Deno.test("a device's cookie counts only in the form that the server makes", () => {
  const device = toBase64Url(new Uint8Array(16).fill(9));
  assertEquals(readDevice(new Headers({ cookie: `a=b; device=${device}; c=d` })), device);
  assertEquals(readDevice(new Headers({ cookie: "device=admin" })), undefined);
  assertEquals(readDevice(new Headers()), undefined);
  const headers = new Headers();
  nameDevice(headers, device, true);
  assertMatch(headers.get("set-cookie")!, /; Secure\b/);
});

Deno.test("a socket opens for pages of the own origin, of configured ones, and for programs", () => {
  const may = (origin: string | undefined, origins: string[] = []) =>
    mayOpenSocket(
      new Headers({ host: "chat.example", ...(origin === undefined ? {} : { origin }) }),
      new URL("http://chat.example/api"),
      origins,
    );
  assert(may("https://chat.example"));
  assert(may(undefined));
  assert(!may("https://evil.example"));
  assert(!may("null"));
  assert(!may("https://chat.example.evil.example"));
  assert(may("https://other.example", ["https://other.example"]));
});

Deno.test("people: changes per frame are bounded, and the rest comes with the next frame", () => {
  const people = new People({ announced: 30, joinedPerFrame: 10, leftPerFrame: 5 });
  const names = Array.from({ length: 40 }, (_, index) => `author ${index}`);
  for (const author of names) people.enter({ author, name: author });
  const first = people.takeChanges()!;
  assertEquals([first.count, first.joined.length], [40, 10]);
  assert(people.pending);
  const announced = new Set(first.joined.map(({ author }) => author));
  while (people.pending) people.takeChanges()?.joined.forEach(({ author }) => announced.add(author));
  assertEquals(announced.size, 30, "the others are only counted");
  for (const author of names) people.leave(author);
  const left = people.takeChanges()!;
  assertEquals([left.count, left.left.length], [0, 5]);
  while (people.pending) people.takeChanges()?.left.forEach((author) => left.left.push(author));
  assertEquals(new Set(left.left), announced);
});

Deno.test("[PRES-2] people: a person on two instances counts once where both name them, and stays until both lose them", () => {
  const people = new People({ announced: 30, joinedPerFrame: 10, leftPerFrame: 10 });
  const ada = { author: "ada", name: "Ada" };
  people.enter(ada);
  people.takeChanges();
  people.setElsewhere([{ instance: "b", count: 2, shown: [ada, { author: "bob", name: "Bob" }], expiresAt: 0 }]);
  assertEquals(people.count, 2);
  assertEquals(people.takeChanges()!.joined, [{ author: "bob", name: "Bob" }]);
  people.leave("ada");
  assertEquals(people.takeChanges(), undefined, "still on the other instance");
  people.setElsewhere([]);
  assertEquals(people.takeChanges()!.left.sort(), ["ada", "bob"]);
});

Deno.test("[PRES-2] people: only people whose leaving will be announced are shown", () => {
  const people = new People({ announced: 3, joinedPerFrame: 10, leftPerFrame: 10 });
  for (let index = 0; index < 10; index++) people.enter({ author: `a${index}`, name: "x" });
  people.takeChanges();
  assertEquals(people.shown({ author: "me", name: "Me" }).length, 4);
});

Deno.test("recent events are bounded in number and bytes, and events not yet fanned out are never dropped", () => {
  const event = (length: number): WireEvent => ["x".repeat(length), "s"];
  const tail = new RecentEvents(1, 10, 10_000);
  tail.push(Array.from({ length: 20 }, () => event(10)));
  tail.shrink(5);
  assertEquals([tail.first, tail.last], [6, 20]);
  tail.shrink(20);
  assertEquals([tail.first, tail.last], [11, 20]);
  tail.push([event(9_000), event(9_000)]);
  tail.shrink(22);
  assertEquals([tail.first, tail.last], [22, 22]);
  assertEquals(tail.page(21, 22), undefined);
  tail.dropBefore(99);
  assertEquals([tail.first, tail.last], [23, 22]);
});

Deno.test("[SYNC-4] a page of recent events ends at its byte limit and says where", () => {
  const tail = new RecentEvents(5, 1_000, 10_000_000);
  tail.push(Array.from({ length: 100 }, (): WireEvent => ["x".repeat(10_000), "s"]));
  const page = tail.page(5, 104)!;
  assert(page.text.length < PAGE_MAX_BYTES + 1_000);
  assertEquals(JSON.parse(page.text).events.length, page.to - 5 + 1);
  assertEquals(JSON.parse(tail.page(page.to + 1, 104)!.text).from, page.to + 1);
});
