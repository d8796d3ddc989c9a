/** The app's middlewares: security headers, bounds of the request's head, and the visitor's identity. */
import { type Context, csp, csrf } from "fresh";
import type { ServerConfig } from "../config/server_config.ts";
import { define, type RequestState } from "./route_helpers.ts";
import { nameDevice, newDevice, readDevice, sourceOf } from "./device.ts";
import { type Log, realEnvironment } from "../environment.ts";
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

/** It comes before the policy of pages. */
const REFUSED_HEAD = { "connection": "close", "content-security-policy": "default-src 'none'" };

/** Refuses a request whose head is larger than any honest one. The runtime has an upper bound of its own. */
export function boundedHead(config: ServerConfig) {
  const { headBytes, addressChars } = config.limits;
  return define.middleware(async (ctx) => {
    const { url, headers } = ctx.req;
    if (url.length > addressChars) return new Response(null, { status: 414, headers: REFUSED_HEAD });
    let bytes = 0;
    for (const [name, value] of headers) bytes += name.length + value.length;
    if (bytes > headBytes) return new Response(null, { status: 431, headers: REFUSED_HEAD });
    return await ctx.next();
  });
}

/** Notes where the request came from. Goes before the middlewares and routes that ask. */
export function requestSource(config: ServerConfig) {
  return define.middleware((ctx) => {
    const { url, req: { headers }, info } = ctx;
    ctx.state.source = sourceOf({ url, headers, remoteAddr: info?.remoteAddr }, config);
    return ctx.next();
  });
}

/** Sets the other headers, and the parts of the policy that depend on the request. Goes before `contentPolicy`. */
export function securityHeaders(config: ServerConfig) {
  return define.middleware(async (ctx) => {
    const { secure } = ctx.state.source;
    const response = await ctx.next();
    // The answer to a socket's handshake is no page, and its headers are not ours to change.
    if (response.status === 101) return response;
    const { headers } = response;
    headers.set("x-content-type-options", "nosniff");
    headers.set("x-frame-options", "DENY");
    headers.set("referrer-policy", "same-origin");
    headers.set("permissions-policy", PERMISSIONS);
    headers.set("cross-origin-resource-policy", "same-origin");
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
export function ownOriginOnly(config: ServerConfig, log: Log) {
  return csrf<RequestState>({ origin: (_, ctx) => isOwnPage(ctx, config, log) });
}

/**
 * Whether a page of ours made the request. Behind a proxy that replaces Host no page seems to be ours, so the log says
 * which line the proxy needs.
 */
export function isOwnPage(
  { req: { headers }, url, state: { source } }: Pick<Context<RequestState>, "req" | "url" | "state">,
  { origins }: Pick<ServerConfig, "origins">,
  log: Log,
): boolean {
  const isOwn = mayOpenSocket(headers, url, origins);
  if (!isOwn && source.proxied) log(HOST_REPLACED);
  return isOwn;
}

const HOST_REPLACED =
  "refused a page whose Origin is not the Host that the proxy in front sent; where that is this site, the proxy replaced " +
  'Host: nginx needs "proxy_set_header Host $http_host;" (docs/deploy/nginx.conf)';

/** Notes in the log that the proxy in front drops what a WebSocket's handshake needs. */
export function noteLostUpgrade(
  { req: { headers }, state: { source } }: Pick<Context<RequestState>, "req" | "state">,
  log: Log,
): void {
  if (source.proxied && headers.has("sec-websocket-key") && !headers.has("upgrade")) log(UPGRADE_LOST);
}

const UPGRADE_LOST = "the proxy in front removes Upgrade from WebSocket handshakes: nginx needs " +
  '"proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;" ' +
  "(docs/deploy/nginx.conf)";

/** Identifies the visitor: by the device's cookie, which is made at the first visit, and the address. */
export const visitor = define.middleware(async (ctx) => {
  const { address, secure } = ctx.state.source;
  const known = readDevice(ctx.req.headers);
  const device = known ?? newDevice(realEnvironment.random);
  ctx.state.visitor = { device, address };
  const response = await ctx.next();
  if (known === undefined && response.status !== 101) nameDevice(response.headers, device, secure);
  return response;
});
