/**
 * Every setting of the server with its default. variables.ts says which of them an operator sets by an environment
 * variable. Values that both ends of a wire must agree on are in lib/protocol/limits.ts instead.
 */
import type { PausingRateLimit, RateLimit } from "../../shared/rate_limiter.ts";
import { type IpNetwork, readNetwork } from "../http/ip_address.ts";
import type { LogLevel } from "../stats/figures.ts";

export type EnvironmentName = "development" | "staging" | "production";
export type Platform = "deno-deploy" | "container" | "plain";

/** The settings of one server. */
export type ServerConfig = typeof DEFAULT_CONFIG;

/** A proxy on the same machine. */
const LOOPBACK_NETWORKS: readonly IpNetwork[] = ["127.0.0.0/8", "::1"].map((text) => readNetwork(text)!);

/** At which values of a signal newcomers are refused, then joins, then a share of the events. */
type LoadLimits = readonly [noNewcomers: number, noJoins: number, fewerEvents: number];

export const DEFAULT_CONFIG = {
  environment: "production" as EnvironmentName,
  platform: "plain" as Platform,
  /** Folder of the embedded database; made when missing. Not used with `kvUrl`. */
  dataDir: ".data",
  /** Backups that the server writes by itself. 0: none. */
  backups: { everyMs: 0, keep: 7 },
  /** Address of a shared database (`denokv`, KV Connect). Absent: embedded, or the platform's own. */
  kvUrl: undefined as string | undefined,
  /** Name of the running build, for /health. */
  build: "unknown",
  /** Proxies in front whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  trustedProxies: LOOPBACK_NETWORKS,
  /** Origins beside the request's own whose pages may open sockets, e.g. `https://chat.example`. */
  origins: [] as readonly string[],

  retention: {
    /** An event is deleted this long after it was stored. */
    maxAgeMs: 7 * 86_400_000,
    /** The newest events of a room that are kept. */
    maxEvents: 10_000,
    /** Events a busy room may be over `maxEvents` before it is trimmed between sweeps. */
    slackEvents: 500,
    /**
     * Nothing is deleted for its age before servers have run for this long since it was stored, whatever clocks say: 24
     * hours, and an hour that instances may count twice.
     */
    heldMs: 25 * 3_600_000,
    /** An empty room without new events for this long is removed with its code. */
    idleRoomMs: 30 * 86_400_000,
    sweepEveryMs: 10 * 60_000,
  },

  limits: {
    /** Events of one author in one room. */
    messages: { burst: 5, everyMs: 1_000 } as RateLimit,
    /** The same text again within this time costs twice what it cost before … */
    repeatWithinMs: 30_000,
    /** … up to this many tokens. */
    repeatMaxTokens: 8,
    deviceConnections: { burst: 15, everyMs: 4_000, pauseMs: 10_000 } as PausingRateLimit,
    addressConnections: { burst: 3_000, everyMs: 20, pauseMs: 1_000 } as PausingRateLimit,
    wrongCodes: { burst: 10, everyMs: 6_000, pauseMs: 10_000 } as PausingRateLimit,
    /** Wrong codes of one address; beyond it, codes of unlisted rooms are not looked up for it. */
    addressWrongCodes: { burst: 1_200, everyMs: 50, pauseMs: 10_000 } as PausingRateLimit,
    deviceRooms: { burst: 5, everyMs: 60_000, pauseMs: 0 } as PausingRateLimit,
    addressRooms: { burst: 120, everyMs: 1_000, pauseMs: 0 } as PausingRateLimit,
    /** Events on one connection, of any author: checked before any signature is. */
    connectionEvents: { burst: 256, everyMs: 10 } as RateLimit,
    /** Of those, events of other authors than the connection's person. */
    connectionCarriedEvents: { burst: 256, everyMs: 100 } as RateLimit,
    /**
     * Events that one address brings into one room for others than the connections' own people, as a phone does that was
     * among phones without a network …
     */
    carriedEvents: { burst: 1_000, everyMs: 50 } as RateLimit,
    /** … and first events of people who are new in the room. */
    arrivals: { burst: 1_000, everyMs: 50 } as RateLimit,
    /** Kilobytes of events that one address writes into one room: 96 MB at once, and as much a day … */
    addressRoomKilobytes: { burst: 98_304, everyMs: 86_400_000 / 98_304 } as RateLimit,
    /** … and into all rooms: 256 MB. */
    addressKilobytes: { burst: 262_144, everyMs: 86_400_000 / 262_144 } as RateLimit,
    /** How far events of a room may push its clock ahead: so many steps at once, then one a second … */
    clockSteps: { burst: 2_000, everyMs: 1_000 } as RateLimit,
    /** … and those of authors whose first event is younger than `newAuthorMs`. */
    newClockSteps: { burst: 64, everyMs: 1_000 } as RateLimit,
    newAuthorMs: 600_000,
    /** Bytes of events that one room holds. Beyond it, those older than a day go first; then `room_full`. */
    roomBytes: 268_435_456,
    /** Free space of the database's disk below which nothing is added; of a small disk at most a tenth. */
    freeDiskBytes: 512 * 1_048_576,
    /** Frames other than `send` on one connection. */
    connectionFrames: { burst: 120, everyMs: 25 } as RateLimit,
    /** Signals that one connection may send … */
    sentSignals: { burst: 120, everyMs: 50 } as RateLimit,
    /** … and that it may be sent, so that many callers at once do not flood one phone. */
    receivedSignals: { burst: 240, everyMs: 25 } as RateLimit,
    /** Events of one connection that may wait for their answer. More are refused as `overloaded`. */
    inFlightEvents: 64,
    /** Unreadable frames, wrong signatures and malformed events before a connection is closed as `bad_frames`. */
    badFrames: 10,
    /** Connections of this instance after their hello; limits/places.ts says who has a place when more want one. */
    connections: 20_000,
    /** Connections before their hello, on top. When more come, those of the address with most go, the oldest first. */
    lobby: 1_000,
    /** Rooms open on this instance. More are turned away as `overloaded`. */
    openRooms: 5_000,
    /** Largest body of an HTTP request. */
    requestBytes: 65_536,
    /** Longest wait for the whole body of a request. */
    bodyMs: 15_000,
    /** Longest head of an HTTP request: all names and values of its headers, and its address. */
    headBytes: 16_384,
    addressChars: 4_096,
  },

  commit: {
    /** Events of one room that may wait to be stored on this instance. More are refused as `overloaded`. */
    queueEvents: 2_000,
    /** Payload bytes of the same. */
    queueBytes: 4_194_304,
    /**
     * Shortest time from one commit of a room to the next: events that arrive in between are stored together. A room
     * with many sockets uses the window of `fanOut` instead, so that each commit is fanned out at once.
     */
    gapMs: 20,
    /** Lost races before the events are refused as `overloaded`. */
    maxAttempts: 12,
    /** Authors whose records stay in memory between two commits of a room. With more, all are read again. */
    cachedAuthors: 2_000,
    /** `retryAfterMs` when a queue is full or the database does not answer. */
    retryAfterMs: 1_000,
    /** Longest pause between two tries to find out whether a commit was stored. */
    maxDoubtPauseMs: 2_000,
  },

  /** When limits/overload.ts refuses work, and how much. */
  overload: {
    /** Time between two measurements. */
    lookMs: 250,
    /** Time between two samples of the event loop; a timer later than `lateMs` found it busy. */
    sampleMs: 20,
    lateMs: 3,
    lagMs: [250, 500, 1_000] as LoadLimits,
    busyShare: [0.9, 0.95, 0.98] as LoadLimits,
    queueShare: [0.5, 0.75, 0.9] as LoadLimits,
    storeMs: [1_000, 1_500, 2_500] as LoadLimits,
    memoryShare: [0.8, 0.9, 0.95] as LoadLimits,
    /** Bytes of RAM that the process may use; Infinity: what limits/memory_limit.ts finds. */
    memoryBytes: Infinity,
    /** A level ends after this long without a signal that calls for it. */
    calmMs: 1_000,
    /** Each measurement at the highest level shrinks the share of accepted events to this … */
    shareFactor: 0.8,
    /** … never below this … */
    minShare: 0.05,
    /** … and every other measurement adds this. */
    shareStep: 0.1,
    /** Clients refused for load come back after this to twice this. */
    retryAfterMs: 1_000,
  },

  /** When limits/memory_guard.ts asks clients for a sign of life, and which it ends. */
  memory: {
    /** Time between two looks at the memory. */
    lookMs: 50,
    /** Growth outside the JavaScript heap since the last all-clear at which clients are asked. */
    growthBytes: 48 * 1_048_576,
    /** Silent ones are ended after this … */
    patienceMs: 5_000,
    /** … at this growth after this … */
    fastBytes: 80 * 1_048_576,
    fastMs: 500,
    /** … and at this growth after this; those that said nothing but hello at once. */
    floodBytes: 112 * 1_048_576,
    floodMs: 200,
    /** A connection without a hello for this long is ended meanwhile. */
    helloMs: 2_000,
    /** Clients are also asked at this share of `overload.memoryBytes`. */
    nearShare: 0.75,
    /** A connection that was closed and is not gone after this is ended at once. */
    closingMs: 5_000,
  },

  fanOut: {
    /** The first event goes out at once, the next frame after `windowMs + sockets × windowPerSocketMs` at the earliest … */
    windowMs: 10,
    windowPerSocketMs: 0.45,
    /** … and never later than this. */
    maxWindowMs: 100,
    /** Newest events of an open room that are kept in memory. */
    recentEvents: 500,
    recentBytes: 1_048_576,
    /** A live connection with more than this unsent is closed as `too_slow`. Catching up pauses at half of it. */
    highWatermarkBytes: 524_288,
    /** How often a connection that catches up is checked again while too much is unsent. */
    drainCheckMs: 20,
    /** Catching up without progress for this long ends as `too_slow`. */
    stalledMs: 15_000,
  },

  polling: {
    /** Most characters that wait for one client, or one frame. A client that is further behind catches up later. */
    unfetchedChars: 32_768,
    /** The same of all clients; beyond it those who fetched longest ago are forgotten: `unknown_connection`. */
    allUnfetchedChars: 67_108_864,
    /** After the first frame a held request waits this long for more of them. */
    lingerMs: 4,
    /** A connection without a request for this long has lost its client. */
    expireMs: 30_000,
    /** How long an ended connection keeps its end and its unfetched frames for its client. */
    keepEndedMs: 10_000,
    /** Bytes of all ended connections that are kept; beyond it the oldest is forgotten: `unknown_connection`. */
    keepEndedBytes: 16_777_216,
    /** Time that a stopping server gives its clients to fetch their goodbye. */
    lastAnswersMs: 100,
    /** As `limits.bodyMs`. */
    bodyMs: 15_000,
  },

  presence: {
    /** Joins, leaves and renames within this time are announced together. */
    windowMs: 250,
    windowPerSocketMs: 1,
    maxWindowMs: 2_000,
    /** People of one room that clients know by name; beyond that they hear only the count. */
    announced: 1_000,
    /** Newcomers named in one frame. */
    joinedPerFrame: 50,
    leftPerFrame: 200,
    /** Life of an instance's entry; written again after a third of it. */
    ttlMs: 30_000,
    /** Shortest time between two writes of an entry. */
    writeGapMs: 500,
    /** Shortest time between two reads of the other instances' entries. */
    readGapMs: 1_000,
  },

  signaling: {
    /** Signals that may wait for one other instance. More are `busy`. */
    queueEnvelopes: 256,
    /** Longest time in its mailbox: after that the caller has given up. */
    lifeMs: 10_000,
    /** People whose instance is remembered from a signal of theirs, before presence names it. */
    heardAuthors: 5_000,
    heardMs: 30_000,
  },

  ice: {
    /** Addresses of STUN servers, e.g. `stun:turn.chat.example:3478`. None: no page contacts a third party. */
    stunUrls: [] as readonly string[],
    /** Addresses of TURN servers, e.g. `turn:turn.chat.example:3478?transport=udp`. */
    turnUrls: [] as readonly string[],
    /** The `static-auth-secret` of those servers. Absent: no TURN. */
    turnSecret: undefined as string | undefined,
    /** Life of the credentials that a device gets. */
    turnLifeMs: 3_600_000,
  },

  admin: {
    /** The operator's password, hashed: lib/server/admin/password.ts. Absent: admin is off. */
    passwordHash: undefined as string | undefined,
    /** Seed of the operator's Ed25519 key, 32 bytes, base64url. Absent: no broadcasts. */
    operatorKey: undefined as string | undefined,
    /** A log-in ends after this long without a request … */
    idleMs: 30 * 60_000,
    /** … and after this in any case. */
    lifeMs: 12 * 3_600_000,
    /** Wrong passwords from one address, and from all together, counted over all instances. */
    addressTries: { burst: 5, everyMs: 60_000, pauseMs: 60_000 } as PausingRateLimit,
    allTries: { burst: 30, everyMs: 10_000, pauseMs: 10_000 } as PausingRateLimit,
  },

  feed: {
    /** Shortest time between two reads of the rooms of one channel … */
    gapMs: 10,
    /** … growing to this while only this instance's own commits notify it. */
    maxGapMs: 80,
    /** All open rooms are read this often, with or without a notification. */
    recheckMs: 5_000,
  },

  rooms: {
    /** An open room without connections stays in memory this long. */
    graceMs: 30_000,
    listed: 50,
    /** Rooms of one founder's address above those of others on the list. */
    listedPerFounder: 3,
    /** Rooms that are compared for the list: the newest, and as many with the most people in them. */
    listedCandidates: 500,
    /** How long the list of rooms is answered from memory. */
    listedCacheMs: 1_000,
    suggestions: 3,
  },

  closing: {
    /** Clients that are sent or turned away come back after this … */
    minRetryMs: 250,
    /** … and a random part of this, so that they do not all return at once … */
    retrySpreadMs: 1_000,
    /** … and this longer than the one before them: ten thousand are spread over ten thousand times as long. */
    retryEveryMs: 1,
    /** Approximate maximum of `retryAfterMs`. */
    maxRetryMs: 60_000,
    /** Time that a stopping process has to finish its work. Deno Deploy allows 5 s in all. */
    graceMs: 3_000,
  },

  health: {
    /** Slower than this: degraded. */
    slowStoreMs: 250,
    /** No answer within this: down. */
    deadStoreMs: 2_000,
    /** A failure of the database this recent: degraded. */
    recentFailureMs: 30_000,
    /** Degraded once this share of `limits.connections` is in use. */
    fullShare: 0.9,
    cacheMs: 500,
  },

  monitoring: {
    /** Time between two signed probes of each transport; 0: no probes. */
    probeEveryMs: 60_000,
    /** A probe that takes longer counts as lost. */
    probePatienceMs: 10_000,
    /** Share of pages that report how their transports work, 0 to 1 … */
    reportShare: 0.2,
    /** … this often … */
    reportEveryMs: 300_000,
    /** … and how many reports an instance accepts; more are turned away. */
    reports: { burst: 200, everyMs: 20 } as RateLimit,
    /** Statistics of other instances are read again after this, while somebody looks. */
    refreshMs: 15_000,
    /** Everybody may read the figures: /metrics, /analytics, and all of /health. */
    publicFigures: false,
    /** Else readers present this token, or are logged in as operators. Absent: only operators may read. */
    token: undefined as string | undefined,
    logLevel: "info" as LogLevel,
    /** Deno exports a trace of every request. */
    tracing: false,
  },
};
