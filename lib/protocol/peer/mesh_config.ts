// Runs in browser and server.
/** What `GET /mesh/config` answers: who helps phones to find each other, and the limits of links. */
import type { AuthorKey } from "../event.ts";
import { BadField, count, key, list, object, optional, type Reader, readOr, time, where, whole } from "../fields.ts";
import { MESH_AUTO_UPGRADE_MS, MESH_CANDIDATE_POOL, MESH_LINKS_DESKTOP, MESH_LINKS_PHONE } from "../limits.ts";

/** As RTCPeerConnection takes it. */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}

export interface MeshConfig {
  /** Empty: only paths within one network. */
  iceServers: IceServer[];
  /** When the credentials end, server's clock, ms since 1970; absent when there are none. Ask again before. */
  expiresAt?: number;
  /** The key that notices of this server's operator are signed with; absent when there is none. */
  operator?: AuthorKey;
  limits: {
    /** Most links of a desktop, and of a phone. */
    desktopLinks: number;
    phoneLinks: number;
    /** A room links by itself after this time. */
    autoUpgradeMs: number;
    /** Candidates that a connection finds before it needs them; they cost a TURN allocation each. */
    candidatePool: number;
  };
}

/** What holds where no server can be asked: paths within one network, and the usual limits. */
export const LOCAL_MESH_CONFIG: MeshConfig = {
  iceServers: [],
  limits: {
    desktopLinks: MESH_LINKS_DESKTOP,
    phoneLinks: MESH_LINKS_PHONE,
    autoUpgradeMs: MESH_AUTO_UPGRADE_MS,
    candidatePool: MESH_CANDIDATE_POOL,
  },
};

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
  limits: object({
    desktopLinks: count,
    phoneLinks: count,
    autoUpgradeMs: count,
    // The platform takes one byte (W3C WebRTC 1.0, iceCandidatePoolSize).
    candidatePool: whole(0, 255),
  }),
});

/** Reads the answer; undefined when it is none. */
export function readMeshConfig(value: unknown): MeshConfig | undefined {
  return readOr(meshConfig, value);
}
