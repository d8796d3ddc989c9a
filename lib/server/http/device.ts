/** The visitor as far as limits need it: a random cookie, and the address that the request came from. */
import type { Random } from "../../shared/environment.ts";
import { getCookies, setCookie } from "@std/http/cookie";
import { isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import type { ServerConfig } from "../config/server_config.ts";

/** Name of the cookie. It counts tries and connections and identifies no person. */
const DEVICE_COOKIE = "device";
const LIFE_S = 365 * 86_400;

/** One of a request's cookies; undefined when it is missing or the header is malformed. */
export function cookieOf(headers: Headers, name: string): string | undefined {
  try {
    return getCookies(headers)[name];
  } catch {
    return undefined; // The package throws SyntaxError: a visitor with a malformed header has no cookies.
  }
}

/** The device that a request's cookie names; undefined without a cookie of ours. */
export function readDevice(headers: Headers): string | undefined {
  const device = cookieOf(headers, DEVICE_COOKIE);
  return isBase64UrlOf(device, 16) ? device : undefined;
}

/** A new device's name. */
export function newDevice(random: Random): string {
  return toBase64Url(random.bytes(16));
}

/** Gives a device its name, in the headers of an answer. `secure`: only over https. */
export function nameDevice(headers: Headers, device: string, secure: boolean): void {
  setCookie(headers, {
    name: DEVICE_COOKIE,
    value: device,
    path: "/",
    maxAge: LIFE_S,
    httpOnly: true,
    sameSite: "Lax",
    secure,
  });
}

/**
 * The address a request came from: the socket's, or, behind `proxyHops` proxies of ours, the entry of X-Forwarded-For
 * that the outermost of them wrote. Entries left of it are the visitor's own claim and never read.
 * An IPv6 address counts by its /64 network, which belongs to one household or phone.
 */
export function addressOf(headers: Headers, remoteAddr: Deno.Addr | undefined, proxyHops: number): string {
  const socket = remoteAddr !== undefined && "hostname" in remoteAddr ? remoteAddr.hostname : "local";
  if (proxyHops === 0) return network(socket);
  const hops = (headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim()).filter((hop) => hop !== "");
  return network(hops.at(-proxyHops) ?? hops[0] ?? socket);
}

/**
 * Whether the visitor's own connection is https, as the outermost trusted proxy says, or the socket itself. On Deno Deploy
 * it always is, and the socket is one to the platform.
 */
export function isSecure(
  url: URL,
  headers: Headers,
  { proxyHops, platform }: Pick<ServerConfig, "proxyHops" | "platform">,
): boolean {
  if (proxyHops === 0) return platform === "deno-deploy" || url.protocol === "https:";
  const protocols = (headers.get("x-forwarded-proto") ?? url.protocol.slice(0, -1)).split(",");
  return (protocols.at(-proxyHops) ?? protocols[0])!.trim() === "https";
}

/** Longest text that may be an address; longer ones are cut, so that no header becomes a long key. */
const ADDRESS_MAX_CHARS = 45;

function network(address: string): string {
  const text = address.replace(/^\[|\]$/g, "").slice(0, ADDRESS_MAX_CHARS).toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (mapped) return mapped[1]!;
  if (!text.includes(":")) return text;
  const [left = "", right] = text.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const zeros = right === undefined ? [] : Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return `${[...head, ...zeros, ...tail].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
