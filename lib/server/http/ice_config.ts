/** The link configuration of one device: ICE servers with its own TURN credentials. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import { MESH_AUTO_CONNECT_DEVELOPMENT_MS, MESH_AUTO_CONNECT_MS } from "../../protocol/limits.ts";
import type { MeshConfig } from "../../protocol/peer/mesh_config.ts";
import { publicKeyOf } from "../admin/operator_key.ts";
import type { ServerConfig } from "../config/server_config.ts";

const utf8 = new TextEncoder();

/** How long a membership is good: longer than most connections, and each new connection gets a new one. */
const MEMBERSHIP_MS = 24 * 3_600_000;
/** Credentials end at multiples of this, so that a device has few user names, however often it asks. */
const EXPIRY_GRAIN_MS = 600_000;

/**
 * The configuration of one device, at this moment. Only a device with a `membership` gets TURN credentials: an address
 * of the server alone is no reason to relay somebody's traffic.
 */
export function meshConfigFor(
  config: Pick<ServerConfig, "ice" | "environment" | "admin">,
  device: string,
  nowMs: number,
  membership?: string,
): MeshConfig {
  const { stunUrls, turnUrls, turnSecret, turnLifeMs } = config.ice;
  const iceServers: MeshConfig["iceServers"] = stunUrls.length > 0 ? [{ urls: [...stunUrls] }] : [];
  const development = config.environment === "development";
  const autoConnectMs = development ? MESH_AUTO_CONNECT_DEVELOPMENT_MS : MESH_AUTO_CONNECT_MS;
  const seed = config.admin.operatorKey;
  const operator = seed === undefined ? {} : { operator: publicKeyOf(seed) };
  if (turnSecret === undefined || turnUrls.length === 0 || !isMembership(turnSecret, device, nowMs, membership)) {
    return { iceServers, ...operator, autoConnectMs };
  }
  const expiresS = Math.ceil(nowMs / EXPIRY_GRAIN_MS) * EXPIRY_GRAIN_MS / 1_000 + Math.ceil(turnLifeMs / 1_000);
  iceServers.push({ urls: [...turnUrls], ...turnCredential(turnSecret, expiresS, turnUser(device)) });
  return { iceServers, expiresAt: expiresS * 1_000, ...operator, autoConnectMs };
}

/**
 * Says that this device has joined a room, as `expiresS.mac`: HMAC-SHA-256 over device and end. Every instance makes and
 * checks it with the TURN server's secret. Undefined without a TURN server.
 */
export function membershipFor({ turnSecret }: ServerConfig["ice"], device: string, nowMs: number): string | undefined {
  if (turnSecret === undefined) return undefined;
  const expiresS = Math.ceil((nowMs + MEMBERSHIP_MS) / 1_000);
  return `${expiresS}.${membershipMac(turnSecret, device, expiresS)}`;
}

function isMembership(secret: string, device: string, nowMs: number, membership = ""): boolean {
  const [expires, mac] = membership.split(".");
  const expiresS = Number(expires);
  return expiresS * 1_000 > nowMs && mac === membershipMac(secret, device, expiresS);
}

function membershipMac(secret: string, device: string, expiresS: number): string {
  const mac = hmac(sha256, utf8.encode(secret), utf8.encode(`festival-chat/member/1 ${device} ${expiresS}`));
  return toBase64Url(mac.subarray(0, 16));
}

/**
 * A credential that a TURN server with this secret accepts until `expiresS`, seconds since 1970 (the TURN REST API,
 * draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`).
 */
export function turnCredential(
  secret: string,
  expiresS: number,
  user: string,
): { username: string; credential: string } {
  const username = `${expiresS}:${user}`;
  const mac = hmac(sha1, utf8.encode(secret), utf8.encode(username));
  return { username, credential: btoa(String.fromCharCode(...mac)) };
}

/**
 * The name of a device for the TURN server: always the same, so that the server can count, and not the device's cookie,
 * which scripts and networks must not learn.
 */
export function turnUser(device: string): string {
  return toBase64Url(sha256(utf8.encode(`festival-chat/turn/1 ${device}`)).subarray(0, 12));
}
