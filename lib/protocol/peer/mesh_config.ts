// Runs in browser and server.
/** What `GET /mesh/config` answers: who helps phones to find each other, and the limits of links. */
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { type AuthorKey, isCount, isRecord, isTime } from "../event.ts";
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

/** Reads the answer; undefined when it is none. */
export function readMeshConfig(value: unknown): MeshConfig | undefined {
  if (!isRecord(value) || !Array.isArray(value.iceServers) || value.iceServers.length > ICE_SERVERS_MAX) {
    return undefined;
  }
  const iceServers = value.iceServers.map(readIceServer).filter((server) => server !== undefined);
  if (iceServers.length < value.iceServers.length) return undefined;
  const { expiresAt, operator } = value;
  if (expiresAt !== undefined && !isTime(expiresAt)) return undefined;
  if (operator !== undefined && !isBase64UrlOf(operator, 32)) return undefined;
  const limits = readLimits(value.limits);
  return limits &&
    { iceServers, ...(expiresAt !== undefined && { expiresAt }), ...(operator !== undefined && { operator }), limits };
}

function readLimits(value: unknown): MeshConfig["limits"] | undefined {
  if (!isRecord(value)) return undefined;
  const { desktopLinks, phoneLinks, autoUpgradeMs, candidatePool } = value;
  if (!isCount(desktopLinks) || !isCount(phoneLinks) || !isCount(autoUpgradeMs)) return undefined;
  // The platform takes one byte (W3C WebRTC 1.0, iceCandidatePoolSize).
  if (candidatePool !== 0 && (!isCount(candidatePool) || candidatePool > 255)) return undefined;
  return { desktopLinks, phoneLinks, autoUpgradeMs, candidatePool };
}

function readIceServer(value: unknown): IceServer | undefined {
  if (!isRecord(value)) return undefined;
  const { urls, username, credential } = value;
  if (!Array.isArray(urls) || urls.length === 0 || urls.length > ICE_SERVERS_MAX) return undefined;
  const texts = urls.filter((url: unknown) => typeof url === "string");
  if (texts.length < urls.length) return undefined;
  if (username === undefined && credential === undefined) return { urls: texts };
  if (typeof username !== "string" || typeof credential !== "string") return undefined;
  return { urls: texts, username, credential };
}
