/** The app's middlewares: security headers, bounds of the request's head, and the visitor's identity. */
import { csp, csrf } from "fresh";
import type { ServerConfig } from "../config/server_config.ts";
import { define, type RequestState } from "./route_helpers.ts";
import { addressOf, isSecure, nameDevice, newDevice, readDevice } from "./device.ts";
import { realEnvironment } from "../environment.ts";
import { mayOpenSocket } from "../connections/websocket.ts";

const pagePolicy = csp<RequestState>({
  useNonce: true,
  csp: [
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "connect-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "worker-src 'self'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ],
});

/**
 * A page may load and reach its own origin, and pictures it makes itself. Inline code runs only with the page's nonce.
 * The answer to a socket's handshake is no page, and Deno 2.5 does not allow changing its headers.
 */
export const contentPolicy = define.middleware((ctx) =>
  ctx.req.headers.get("upgrade")?.toLowerCase() === "websocket" ? ctx.next() : pagePolicy(ctx)
);

const PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()";

/** Hosts that a policy may contain: a name or address and a port, nothing that would end the directive. */
const HOST = /^[a-z0-9.:[\]-]{1,255}$/i;

/** Refuses a request whose head is larger than any honest one. The runtime has an upper bound of its own. */
export function boundedHead(config: ServerConfig) {
  const { headBytes, addressChars } = config.limits;
  return define.middleware(async (ctx) => {
    const { url, headers } = ctx.req;
    if (url.length > addressChars) return new Response(null, { status: 414, headers: { connection: "close" } });
    let bytes = 0;
    for (const [name, value] of headers) bytes += name.length + value.length;
    if (bytes > headBytes) return new Response(null, { status: 431, headers: { connection: "close" } });
    return await ctx.next();
  });
}

/** Sets the other headers, and the parts of the policy that depend on the request. Goes before `contentPolicy`. */
export function securityHeaders(config: ServerConfig) {
  return define.middleware(async (ctx) => {
    const response = await ctx.next();
    // The answer to a socket's handshake is no page, and its headers are not ours to change.
    if (response.status === 101) return response;
    const { headers } = response;
    headers.set("x-content-type-options", "nosniff");
    headers.set("x-frame-options", "DENY");
    headers.set("referrer-policy", "same-origin");
    headers.set("permissions-policy", PERMISSIONS);
    headers.set("cross-origin-resource-policy", "same-origin");
    const secure = isSecure(ctx.url, ctx.req.headers, config);
    // Browsers use it over https only and warn elsewhere.
    if (secure) headers.set("cross-origin-opener-policy", "same-origin");
    if (secure && config.environment === "production") {
      headers.set("strict-transport-security", "max-age=31536000");
    }
    const policy = headers.get("content-security-policy");
    if (policy !== null) headers.set("content-security-policy", ownPolicy(policy, ctx.req.headers.get("host"), secure));
    return response;
  });
}

function ownPolicy(policy: string, host: string | null, secure: boolean): string {
  // Older Safari does not take a socket of the same origin for 'self'.
  const sockets = host !== null && HOST.test(host) ? ` ${secure ? "wss" : "ws"}://${host}` : "";
  const directives = policy.replace("connect-src 'self'", `connect-src 'self'${sockets}`).split("; ");
  // On a field network without certificates there is nothing to upgrade to: the page would load nothing.
  return directives.filter((directive) => secure || directive !== "upgrade-insecure-requests").join("; ")
    // Answers other than pages have no nonce and nothing inline to allow.
    .replaceAll(" 'unsafe-inline'", "");
}

/** Refuses requests that another site makes a browser send. */
export function ownOriginOnly(config: ServerConfig) {
  return csrf<RequestState>({
    origin: (_, ctx) => mayOpenSocket(ctx.req.headers, ctx.url, config.origins),
  });
}

/** Identifies the visitor: by the device's cookie, which is made at the first visit, and the address. */
export function visitor(config: ServerConfig) {
  return define.middleware(async (ctx) => {
    const { headers } = ctx.req;
    const known = readDevice(headers);
    const device = known ?? newDevice(realEnvironment.random);
    ctx.state.visitor = { device, address: addressOf(headers, ctx.info?.remoteAddr, config.proxyHops) };
    const secure = isSecure(ctx.url, headers, config);
    const response = await ctx.next();
    if (known === undefined && response.status !== 101) {
      nameDevice(response.headers, device, secure);
    }
    return response;
  });
}
