// Runs in browser and server.
/** The answer to `GET /mesh/config`: ICE servers, and when a room links automatically. */
import {
  BadField,
  count,
  key,
  list,
  object,
  optional,
  type Read,
  type Reader,
  readOr,
  time,
  where,
} from "../fields.ts";
import { MESH_AUTO_CONNECT_MS } from "../limits.ts";

/** Header of `GET /mesh/config`: the `membership` of the last welcome. */
export const MEMBERSHIP_HEADER = "x-membership";

/** Most ICE servers, and addresses of one: browsers slow down with more than a few. */
const ICE_SERVERS_MAX = 8;

const anyText: Reader<string> = (value, field) => {
  if (typeof value !== "string") throw new BadField(field);
  return value;
};

const iceServer = where(
  object({
    urls: list(anyText, 1, ICE_SERVERS_MAX),
    username: optional(anyText),
    credential: optional(anyText),
  }),
  ({ username, credential }) => (username === undefined) === (credential === undefined),
);

const meshConfig = object({
  /** In the form that RTCPeerConnection accepts. Empty: only paths within one network. */
  iceServers: list(iceServer, 0, ICE_SERVERS_MAX),
  /** When the credentials end, server's clock, ms since 1970; absent without any. Clients renew them before that. */
  expiresAt: optional(time),
  /** The key that signs this server's notices; absent if there is none. */
  operator: optional(key),
  /** Phones of a room link automatically after this time. */
  autoConnectMs: count,
});
export type MeshConfig = Read<typeof meshConfig>;

/** The configuration without a server: paths within one network only. */
export const LOCAL_MESH_CONFIG: MeshConfig = { iceServers: [], autoConnectMs: MESH_AUTO_CONNECT_MS };

/** Reads the answer; undefined if it is invalid. */
export function readMeshConfig(value: unknown): MeshConfig | undefined {
  return readOr(meshConfig, value);
}
