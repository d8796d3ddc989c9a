// Runs in browser and server.
/** The answer to `GET /mesh/config`: ICE servers, and when a room links automatically. */
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { type AuthorKey, isCount, isRecord, isTime } from "../event.ts";
import { MESH_AUTO_CONNECT_MS } from "../limits.ts";

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
  /** Phones of a room link automatically after this time. */
  autoConnectMs: number;
}

/** The configuration without a server: paths within one network only. */
export const LOCAL_MESH_CONFIG: MeshConfig = { iceServers: [], autoConnectMs: MESH_AUTO_CONNECT_MS };

/** Most ICE servers, and addresses of one: browsers slow down with more than a few. */
const ICE_SERVERS_MAX = 8;

/** Reads the answer; undefined when it is none. */
export function readMeshConfig(value: unknown): MeshConfig | undefined {
  if (!isRecord(value) || !Array.isArray(value.iceServers) || value.iceServers.length > ICE_SERVERS_MAX) {
    return undefined;
  }
  const iceServers = value.iceServers.map(readIceServer).filter((server) => server !== undefined);
  if (iceServers.length < value.iceServers.length) return undefined;
  const { expiresAt, operator, autoConnectMs } = value;
  if (expiresAt !== undefined && !isTime(expiresAt)) return undefined;
  if (operator !== undefined && !isBase64UrlOf(operator, 32)) return undefined;
  if (!isCount(autoConnectMs)) return undefined;
  return {
    iceServers,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(operator !== undefined && { operator }),
    autoConnectMs,
  };
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
