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

/** The configuration of one device, at this moment. */
export function meshConfigFor(
  config: Pick<ServerConfig, "ice" | "environment" | "admin">,
  device: string,
  nowMs: number,
): MeshConfig {
  const { stunUrls, turnUrls, turnSecret, turnLifeMs } = config.ice;
  const iceServers: MeshConfig["iceServers"] = stunUrls.length > 0 ? [{ urls: [...stunUrls] }] : [];
  const development = config.environment === "development";
  const autoConnectMs = development ? MESH_AUTO_CONNECT_DEVELOPMENT_MS : MESH_AUTO_CONNECT_MS;
  const seed = config.admin.operatorKey;
  const operator = seed === undefined ? {} : { operator: publicKeyOf(seed) };
  if (turnSecret === undefined || turnUrls.length === 0) return { iceServers, ...operator, autoConnectMs };
  const expiresS = Math.floor((nowMs + turnLifeMs) / 1_000);
  iceServers.push({ urls: [...turnUrls], ...turnCredential(turnSecret, expiresS, turnUser(device)) });
  return { iceServers, expiresAt: expiresS * 1_000, ...operator, autoConnectMs };
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
