// Runs in browser and server.
/** The answer to `GET /mesh/config`: ICE servers, and when a room links automatically. */
import type { AuthorKey } from "../event.ts";
import { BadField, count, key, list, object, optional, type Reader, readOr, time, where } from "../fields.ts";
import { MESH_AUTO_CONNECT_MS } from "../limits.ts";

/** Header of `GET /mesh/config`: the `membership` of the last welcome. */
export const MEMBERSHIP_HEADER = "x-membership";

/** In the form that RTCPeerConnection accepts. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface MeshConfig {
  /** Empty: only paths within one network. */
  iceServers: IceServer[];
  /** When the credentials end, server's clock, ms since 1970; absent without any. Clients renew them before that. */
  expiresAt?: number;
  /** The key that signs this server's notices; absent if there is none. */
  operator?: AuthorKey;
  /** Phones of a room link automatically after this time. */
  autoConnectMs: number;
}

/** The configuration without a server: paths within one network only. */
export const LOCAL_MESH_CONFIG: MeshConfig = { iceServers: [], autoConnectMs: MESH_AUTO_CONNECT_MS };

/** Most ICE servers, and addresses of one: browsers slow down with more than a few. */
const ICE_SERVERS_MAX = 8;

const anyText: Reader<string> = (value, field) => {
  if (typeof value !== "string") throw new BadField(field);
  return value;
};

const meshConfig = object({
  iceServers: list(
    where(
      object({
        urls: list(anyText, 1, ICE_SERVERS_MAX),
        username: optional(anyText),
        credential: optional(anyText),
      }),
      ({ username, credential }) => (username === undefined) === (credential === undefined),
    ),
    0,
    ICE_SERVERS_MAX,
  ),
  expiresAt: optional(time),
  operator: optional(key),
  autoConnectMs: count,
});

/** Reads the answer; undefined if it is invalid. */
export function readMeshConfig(value: unknown): MeshConfig | undefined {
  return readOr(meshConfig, value);
}
