/** The visitor as far as limits need it: a random cookie, and the address that the request came from. */
import type { Random } from "../../shared/environment.ts";
import { getCookies, setCookie } from "@std/http/cookie";
import { isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { countedAs, readAddress, visitorBehind } from "./ip_address.ts";

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

/** Where a request came from, as its connection and trusted proxies say. */
export interface RequestSource {
  /** The visitor's address as limits count it. */
  address: string;
  /** Whether the visitor's own connection is https. */
  secure: boolean;
  /** Whether a trusted proxy passed the request on. */
  proxied: boolean;
}

/**
 * The source of a request. The address is the socket's or, where that is a trusted proxy's, the nearest entry of
 * X-Forwarded-For that is not. The same proxies say in X-Forwarded-Proto whether the visitor came by https. On Deno
 * Deploy the visitor always does, and the socket is one to the platform.
 */
export function sourceOf(
  request: { url: URL; headers: Headers; remoteAddr: Deno.Addr | undefined },
  { trustedProxies, platform }: Pick<ServerConfig, "trustedProxies" | "platform">,
): RequestSource {
  const { url, headers, remoteAddr } = request;
  // A Unix socket has no address: the other end is on this machine. So is the caller of a test.
  const socket = readAddress(remoteAddr !== undefined && "hostname" in remoteAddr ? remoteAddr.hostname : "") ??
    LOOPBACK;
  const { address, hops } = visitorBehind(socket, headers.get("x-forwarded-for"), trustedProxies);
  const own = platform === "deno-deploy" ? "https" : url.protocol.slice(0, -1);
  const protocols = hops === 0 ? [own] : (headers.get("x-forwarded-proto") ?? own).split(",");
  const protocol = protocols.at(-Math.max(1, hops)) ?? protocols[0]!;
  return { address: countedAs(address), secure: protocol.trim().toLowerCase() === "https", proxied: hops > 0 };
}

const LOOPBACK = readAddress("127.0.0.1")!;
