/**
 * Every setting of the server, its default, and the environment variable where an operator may want another value.
 * What both ends of a wire must agree on is in lib/protocol/limits.ts instead.
 */
import { isBase64UrlOf } from "../shared/base64url.ts";
import type { PausingRateLimit } from "../shared/rate_limiter.ts";
import { readPasswordHash } from "./admin/password.ts";
import { LOG_LEVELS, type LogLevel } from "./stats/figures.ts";

export type EnvironmentName = "development" | "staging" | "production";
export type Platform = "deno-deploy" | "container" | "plain";

export interface ServerConfig {
  environment: EnvironmentName;
  platform: Platform;
  /** Folder of the embedded database; made when missing. Not used with `kvUrl`. */
  dataDir: string;
  /** Address of a shared database (`denokv`, KV Connect). Absent: embedded, or the platform's own. */
  kvUrl?: string;
  /** Name of what runs, for /health. */
  build: string;
  /** Proxies in front whose X-Forwarded-For entries are to be trusted. 0: the address is the socket's own. */
  proxyHops: number;
  /** Origins beside the request's own whose pages may open sockets, e.g. `https://chat.example`. */
  origins: readonly string[];

  retention: {
    /** An event is deleted this long after it was stored. */
    maxAgeMs: number;
    /** The newest events of a room that are kept. */
    maxEvents: number;
    /** Events a busy room may be over `maxEvents` before it is trimmed between sweeps. */
    slackEvents: number;
    /** Nothing is deleted for its age before servers have run for this long since it was stored, whatever clocks say. */
    heldMs: number;
    /** An empty room that nobody wrote in for this long is removed with its code. */
    idleRoomMs: number;
    sweepEveryMs: number;
  };

  limits: {
    /** Events of one author in one room. */
    messages: { burst: number; everyMs: number };
    /** The same text again within this time costs twice what it cost before … */
    repeatWithinMs: number;
    /** … up to this many tokens. */
    repeatMaxTokens: number;
    deviceConnections: PausingRateLimit;
    addressConnections: PausingRateLimit;
    wrongCodes: PausingRateLimit;
    /** Wrong codes of one address; beyond it, codes of rooms that are not listed are not looked up for it. */
    addressWrongCodes: PausingRateLimit;
    deviceRooms: PausingRateLimit;
    addressRooms: PausingRateLimit;
    /** Events on one connection, of whatever authors: checked before any signature is. */
    connectionEvents: { burst: number; everyMs: number };
    /** Frames other than `send` on one connection. */
    connectionFrames: { burst: number; everyMs: number };
    /** Signals that one connection may send … */
    sentSignals: { burst: number; everyMs: number };
    /** … and that one may be sent: whoever is called by many at once is not drowned. */
    receivedSignals: { burst: number; everyMs: number };
    /** Events of one connection that may wait for their answer. More are refused as `overloaded`. */
    inFlightEvents: number;
    /** Unreadable frames, wrong signatures and malformed events before a connection is closed as `bad_frames`. */
    badFrames: number;
    /** Connections of this instance. More are turned away as `overloaded`. */
    connections: number;
    /** Rooms open on this instance. More are turned away as `overloaded`. */
    openRooms: number;
    /** Largest body of an HTTP request. */
    requestBytes: number;
    /** A body that is not here in full after this is not waited for any longer. */
    bodyMs: number;
    /** Longest head of an HTTP request: all names and values of its headers, and its address. */
    headBytes: number;
    addressChars: number;
  };

  commit: {
    /** Events of one room that may wait to be stored on this instance. More are refused as `overloaded`. */
    queueEvents: number;
    /** Payload bytes of the same. */
    queueBytes: number;
    /**
     * Least time from one commit of a room to the next: what comes in between is stored together. In a room with many
     * sockets it is the window of `fanOut`, so that each commit is told of at once.
     */
    gapMs: number;
    /** Lost races before the events are refused as `overloaded`. */
    maxAttempts: number;
    /** Authors whose records are kept in memory between two commits of a room. More: all are read again. */
    cachedAuthors: number;
    /** What clients are told to wait when a queue is full or the database does not answer. */
    retryAfterMs: number;
    /** Longest pause between two tries to find out whether a commit was stored. */
    maxDoubtPauseMs: number;
  };

  /** What is refused when there is too much to do: overload.ts. Limits: for no newcomers, no joins, fewer events. */
  overload: {
    /** Time between two looks. */
    lookMs: number;
    /** Time between two samples of whether the event loop is free: a timer that comes later than `lateMs` found it busy. */
    sampleMs: number;
    lateMs: number;
    lagMs: readonly [number, number, number];
    busyShare: readonly [number, number, number];
    queueShare: readonly [number, number, number];
    storeMs: readonly [number, number, number];
    memoryShare: readonly [number, number, number];
    /** Bytes of RAM that the process may use; Infinity: only the JavaScript heap's own limit counts. */
    memoryBytes: number;
    /** A level is left after this long without a signal that wants it. */
    calmMs: number;
    /** At each look at the top the share of events that is taken shrinks to this … */
    shareFactor: number;
    /** … never below this … */
    minShare: number;
    /** … and grows by this at every other look. */
    shareStep: number;
    /** Who is refused for the load comes back after this to twice this. */
    retryAfterMs: number;
  };

  fanOut: {
    /** The first event goes out at once, the next frame after `windowMs + sockets × windowPerSocketMs` at the earliest … */
    windowMs: number;
    windowPerSocketMs: number;
    /** … and never later than this. */
    maxWindowMs: number;
    /** Newest events of an open room that are kept in memory. */
    recentEvents: number;
    recentBytes: number;
    /** A live connection with more than this unsent is cut off as `too_slow`. Catching up pauses at half of it. */
    highWatermarkBytes: number;
    /** How often a connection that catches up is looked at again while too much is unsent. */
    drainCheckMs: number;
    /** Catching up that does not move for this long is cut off as `too_slow`. */
    stalledMs: number;
  };

  polling: {
    /** After the first frame a held request waits this long for more of them. */
    lingerMs: number;
    /** A connection that nobody asked for this long has lost its client. */
    expireMs: number;
    /** How long the end of a connection, and what was not fetched before it, is kept for its client. */
    keepEndedMs: number;
    /** Bytes of all ended connections that are kept; beyond it the oldest is forgotten: `unknown_connection`. */
    keepEndedBytes: number;
    /** A server that stops leaves its clients this long to fetch their goodbye. */
    lastAnswersMs: number;
    /** As `limits.bodyMs`. */
    bodyMs: number;
  };

  presence: {
    /** People who came, went or were renamed within this time are told of together. */
    windowMs: number;
    windowPerSocketMs: number;
    maxWindowMs: number;
    /** People of one room whom clients were told of by name; beyond that only the count is told. */
    announced: number;
    /** Newcomers named in one frame. */
    joinedPerFrame: number;
    leftPerFrame: number;
    /** Life of an instance's entry; written again after a third of it. */
    ttlMs: number;
    /** Least time between two writes of an entry. */
    writeGapMs: number;
    /** Least time between two reads of the other instances' entries. */
    readGapMs: number;
  };

  signaling: {
    /** Signals that may wait for one other instance. More are `busy`. */
    queueEnvelopes: number;
    /** How long they lie in its mailbox at most: longer, and the caller has given up. */
    lifeMs: number;
    /** People whose instance is remembered because a signal of theirs came from there, before presence tells of them. */
    heardAuthors: number;
    heardMs: number;
  };

  ice: {
    /** Addresses of STUN servers, e.g. `stun:turn.chat.example:3478`. None: no page asks any third party. */
    stunUrls: readonly string[];
    /** Addresses of TURN servers, e.g. `turn:turn.chat.example:3478?transport=udp`. */
    turnUrls: readonly string[];
    /** What those servers know as `static-auth-secret`. Absent: no TURN. */
    turnSecret?: string;
    /** Life of the credentials that a device gets. */
    turnLifeMs: number;
  };

  admin: {
    /** The operator's password, hashed: lib/server/admin/password.ts. Absent: admin is off. */
    passwordHash?: string;
    /** Seed of the operator's Ed25519 key, 32 bytes, base64url. Absent: no broadcasts. */
    operatorKey?: string;
    /** A log-in without a request for this long is over … */
    idleMs: number;
    /** … and after this in any case. */
    lifeMs: number;
    /** Wrong passwords from one address, and from all together, counted over all instances. */
    addressTries: PausingRateLimit;
    allTries: PausingRateLimit;
  };

  feed: {
    /** Least time between two looks at the rooms of one channel … */
    gapMs: number;
    /** … growing to this while only this instance's own commits ring it. */
    maxGapMs: number;
    /** All open rooms are looked at this often, whether a channel rang or not. */
    recheckMs: number;
  };

  rooms: {
    /** An open room without connections is kept in memory this long. */
    graceMs: number;
    listed: number;
    /** How long the list of rooms is answered from memory. */
    listedCacheMs: number;
    suggestions: number;
  };

  closing: {
    /** Clients that are sent or turned away are told to come back after this … */
    minRetryMs: number;
    /** … and a random part of this, so that they do not all come at once … */
    retrySpreadMs: number;
    /** … and this longer than the one before them: ten thousand are spread over ten thousand times as long. */
    retryEveryMs: number;
    /** No client is told to wait longer than about this. */
    maxRetryMs: number;
    /** How long a stopping process finishes its work. Deno Deploy allows 5 s in all. */
    graceMs: number;
  };

  health: {
    /** Slower than this: degraded. */
    slowStoreMs: number;
    /** No answer within this: down. */
    deadStoreMs: number;
    /** A failure of the database this recent: degraded. */
    recentFailureMs: number;
    /** Share of `limits.connections` in use from which on: degraded. */
    fullShare: number;
    cacheMs: number;
  };

  monitoring: {
    /** Signed probes travel on every transport of the server this often; 0: none do. */
    probeEveryMs: number;
    /** A probe that took longer did not arrive. */
    probePatienceMs: number;
    /** Share of pages that report what they measure of their transports, 0 to 1 … */
    reportShare: number;
    /** … this often … */
    reportEveryMs: number;
    /** … and how many reports an instance takes; more are turned away. */
    reports: { burst: number; everyMs: number };
    /** Statistics of other instances are read again after this, while somebody looks. */
    refreshMs: number;
    /** Who may read /metrics and /analytics has to say this. Absent: everybody may. */
    token?: string;
    logLevel: LogLevel;
    /** Deno exports a trace of every request. */
    tracing: boolean;
  };
}

export const DEFAULT_CONFIG: ServerConfig = {
  environment: "production",
  platform: "plain",
  dataDir: ".data",
  build: "unknown",
  proxyHops: 0,
  origins: [],
  retention: {
    maxAgeMs: 7 * 86_400_000,
    // 24 hours, and what instances may count twice.
    heldMs: 25 * 3_600_000,
    maxEvents: 10_000,
    slackEvents: 500,
    idleRoomMs: 30 * 86_400_000,
    sweepEveryMs: 10 * 60_000,
  },
  limits: {
    messages: { burst: 5, everyMs: 1_000 },
    repeatWithinMs: 30_000,
    repeatMaxTokens: 8,
    deviceConnections: { burst: 15, everyMs: 4_000, pauseMs: 10_000 },
    addressConnections: { burst: 3_000, everyMs: 20, pauseMs: 1_000 },
    wrongCodes: { burst: 10, everyMs: 6_000, pauseMs: 10_000 },
    addressWrongCodes: { burst: 1_200, everyMs: 50, pauseMs: 10_000 },
    deviceRooms: { burst: 5, everyMs: 60_000, pauseMs: 0 },
    addressRooms: { burst: 120, everyMs: 1_000, pauseMs: 0 },
    connectionEvents: { burst: 256, everyMs: 10 },
    connectionFrames: { burst: 120, everyMs: 25 },
    sentSignals: { burst: 120, everyMs: 50 },
    receivedSignals: { burst: 240, everyMs: 25 },
    inFlightEvents: 64,
    badFrames: 10,
    connections: 20_000,
    openRooms: 5_000,
    requestBytes: 65_536,
    bodyMs: 15_000,
    headBytes: 16_384,
    addressChars: 4_096,
  },
  commit: {
    queueEvents: 2_000,
    queueBytes: 4_194_304,
    gapMs: 20,
    maxAttempts: 12,
    cachedAuthors: 2_000,
    retryAfterMs: 1_000,
    maxDoubtPauseMs: 2_000,
  },
  overload: {
    lookMs: 250,
    sampleMs: 20,
    lateMs: 3,
    lagMs: [250, 500, 1_000],
    busyShare: [0.9, 0.95, 0.98],
    queueShare: [0.5, 0.75, 0.9],
    storeMs: [1_000, 1_500, 2_500],
    memoryShare: [0.8, 0.9, 0.95],
    memoryBytes: Infinity,
    calmMs: 1_000,
    shareFactor: 0.8,
    minShare: 0.05,
    shareStep: 0.1,
    retryAfterMs: 1_000,
  },
  fanOut: {
    windowMs: 10,
    windowPerSocketMs: 0.45,
    maxWindowMs: 100,
    recentEvents: 500,
    recentBytes: 1_048_576,
    highWatermarkBytes: 524_288,
    drainCheckMs: 20,
    stalledMs: 15_000,
  },
  polling: {
    lingerMs: 4,
    expireMs: 30_000,
    keepEndedMs: 10_000,
    keepEndedBytes: 16_777_216,
    lastAnswersMs: 100,
    bodyMs: 15_000,
  },
  presence: {
    windowMs: 250,
    windowPerSocketMs: 1,
    maxWindowMs: 2_000,
    announced: 1_000,
    joinedPerFrame: 50,
    leftPerFrame: 200,
    ttlMs: 30_000,
    writeGapMs: 500,
    readGapMs: 1_000,
  },
  signaling: { queueEnvelopes: 256, lifeMs: 10_000, heardAuthors: 5_000, heardMs: 30_000 },
  ice: { stunUrls: [], turnUrls: [], turnLifeMs: 3_600_000 },
  admin: {
    idleMs: 30 * 60_000,
    lifeMs: 12 * 3_600_000,
    addressTries: { burst: 5, everyMs: 60_000, pauseMs: 60_000 },
    allTries: { burst: 30, everyMs: 10_000, pauseMs: 10_000 },
  },
  feed: { gapMs: 10, maxGapMs: 80, recheckMs: 5_000 },
  rooms: { graceMs: 30_000, listed: 50, listedCacheMs: 1_000, suggestions: 3 },
  closing: { minRetryMs: 250, retrySpreadMs: 1_000, retryEveryMs: 1, maxRetryMs: 60_000, graceMs: 3_000 },
  health: { slowStoreMs: 250, deadStoreMs: 2_000, recentFailureMs: 30_000, fullShare: 0.9, cacheMs: 500 },
  monitoring: {
    probeEveryMs: 60_000,
    probePatienceMs: 10_000,
    reportShare: 0.2,
    reportEveryMs: 300_000,
    reports: { burst: 200, everyMs: 20 },
    refreshMs: 15_000,
    logLevel: "info",
    tracing: false,
  },
};

/** The environment holds values that cannot be used; `mistakes` has one line for each. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(readonly mistakes: readonly string[]) {
    super(`the configuration cannot be used:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`);
  }
}

/** Shortest token for /metrics and /analytics. */
const METRICS_TOKEN_MIN_CHARS = 16;

/** Reads the settings of this process. `env` answers what an environment variable holds. Throws ConfigError. */
export function readConfig(env: (name: string) => string | undefined): ServerConfig {
  const mistakes: string[] = [];
  // An empty variable is one that a compose file left open: the same as none.
  const text = (name: string) => env(name)?.trim() || undefined;
  const count = (name: string, fallback: number, min: number, max: number, unit = 1, or = "") => {
    const value = text(name);
    if (value === undefined) return fallback;
    const number = /^\d+$/.test(value) ? Number(value) : NaN;
    if (number >= min && number <= max) return number * unit;
    mistakes.push(`${name} has to be a whole number from ${min} to ${max}${or}, not ${JSON.stringify(value)}`);
    return fallback;
  };

  const d = DEFAULT_CONFIG;
  const kvUrl = text("FESTIVAL_KV_URL");
  if (kvUrl !== undefined && !/^https?:$/.test(URL.parse(kvUrl)?.protocol ?? "")) {
    mistakes.push(`FESTIVAL_KV_URL has to be an http or https address, not ${JSON.stringify(kvUrl)}`);
  }
  const origins = (text("FESTIVAL_ORIGINS") ?? "").split(/[\s,]+/).filter((origin) => origin !== "");
  for (const origin of origins) {
    if (URL.parse(origin)?.origin !== origin) {
      mistakes.push(`FESTIVAL_ORIGINS takes origins such as https://chat.example, not ${JSON.stringify(origin)}`);
    }
  }
  const onDeploy = text("DENO_DEPLOYMENT_ID") !== undefined || text("DENO_DEPLOY") !== undefined;
  const named = text("FESTIVAL_ENVIRONMENT");
  if (named !== undefined && named !== "development" && named !== "staging" && named !== "production") {
    mistakes.push(`FESTIVAL_ENVIRONMENT is development, staging or production, not ${JSON.stringify(named)}`);
  }
  const iceUrls = (name: string, pattern: RegExp, example: string) => {
    const urls = (text(name) ?? "").split(/[\s,]+/).filter((url) => url !== "");
    for (const url of urls) {
      if (!pattern.test(url)) mistakes.push(`${name} takes addresses such as ${example}, not ${JSON.stringify(url)}`);
    }
    return urls;
  };
  const stunUrls = iceUrls("FESTIVAL_STUN_URLS", /^stuns?:[^\s/?@]+$/, "stun:turn.chat.example:3478");
  const turnUrls = iceUrls(
    "FESTIVAL_TURN_URLS",
    /^turns?:[^\s/?@]+(\?transport=(udp|tcp))?$/,
    "turn:turn.chat.example:3478?transport=udp",
  );
  const turnSecret = text("FESTIVAL_TURN_SECRET");
  // One without the other is no relay, and nobody would notice until a phone behind a NAT cannot connect.
  if ((turnSecret === undefined) !== (turnUrls.length === 0)) {
    const missing = turnSecret === undefined ? "FESTIVAL_TURN_SECRET" : "FESTIVAL_TURN_URLS";
    mistakes.push(`${missing} is missing: FESTIVAL_TURN_URLS and FESTIVAL_TURN_SECRET belong together`);
  }
  const perMinute = count("FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE", 3_000, 15, 1_000_000);
  const config: ServerConfig = {
    ...d,
    // Without a word: where people are served it is production, and only `deno task dev` says otherwise.
    environment: (named as EnvironmentName | undefined) ?? "production",
    platform: onDeploy ? "deno-deploy" : text("container") || text("KUBERNETES_SERVICE_HOST") ? "container" : "plain",
    dataDir: text("FESTIVAL_DATA_DIR") ?? d.dataDir,
    ...(kvUrl === undefined ? {} : { kvUrl }),
    build: text("FESTIVAL_BUILD") ?? text("DENO_DEPLOYMENT_ID") ?? d.build,
    // Also on Deno Deploy: there the runtime says the visitor's address as the socket's, and X-Forwarded-For is a claim.
    proxyHops: count("FESTIVAL_PROXY_HOPS", 0, 0, 5),
    origins,
    retention: {
      ...d.retention,
      // Authors' records live 14 days after their last event: they must outlive the events (lib/store/rooms/log.ts).
      maxAgeMs: count("FESTIVAL_RETENTION_DAYS", d.retention.maxAgeMs, 1, 14, 86_400_000),
      maxEvents: count("FESTIVAL_RETENTION_EVENTS", d.retention.maxEvents, 100, 1_000_000),
      idleRoomMs: count("FESTIVAL_IDLE_ROOM_DAYS", d.retention.idleRoomMs, 1, 3_650, 86_400_000),
    },
    limits: {
      ...d.limits,
      messages: {
        burst: count("FESTIVAL_MESSAGE_BURST", d.limits.messages.burst, 1, 1_000),
        everyMs: count("FESTIVAL_MESSAGE_EVERY_MS", d.limits.messages.everyMs, 0, 3_600_000),
      },
      addressConnections: { ...d.limits.addressConnections, burst: perMinute, everyMs: 60_000 / perMinute },
      connections: count("FESTIVAL_MAX_CONNECTIONS", d.limits.connections, 1, 1_000_000),
      openRooms: count("FESTIVAL_MAX_OPEN_ROOMS", d.limits.openRooms, 1, 1_000_000),
    },
    overload: {
      ...d.overload,
      memoryBytes: count("FESTIVAL_MEMORY_MB", d.overload.memoryBytes, 128, 1_048_576, 1_048_576),
    },
  };
  config.ice = {
    stunUrls,
    turnUrls,
    ...(turnSecret === undefined ? {} : { turnSecret }),
    turnLifeMs: count("FESTIVAL_TURN_LIFE_MINUTES", d.ice.turnLifeMs, 5, 1_440, 60_000),
  };
  const passwordHash = text("FESTIVAL_ADMIN_PASSWORD_HASH");
  if (passwordHash !== undefined && readPasswordHash(passwordHash) === undefined) {
    mistakes.push("FESTIVAL_ADMIN_PASSWORD_HASH is not what `deno task admin:hash` prints");
  }
  const operatorKey = text("FESTIVAL_OPERATOR_KEY");
  if (operatorKey !== undefined && !isBase64UrlOf(operatorKey, 32)) {
    mistakes.push("FESTIVAL_OPERATOR_KEY is not what `deno task admin:key` prints");
  }
  config.admin = {
    ...d.admin,
    ...(passwordHash === undefined ? {} : { passwordHash }),
    ...(operatorKey === undefined ? {} : { operatorKey }),
  };
  const level = text("FESTIVAL_LOG_LEVEL") ?? d.monitoring.logLevel;
  const logLevel = LOG_LEVELS.find((known) => known === level);
  if (logLevel === undefined) {
    mistakes.push(`FESTIVAL_LOG_LEVEL is one of ${LOG_LEVELS.join(", ")}, not ${JSON.stringify(level)}`);
  }
  const token = text("FESTIVAL_METRICS_TOKEN");
  if (token !== undefined && token.length < METRICS_TOKEN_MIN_CHARS) {
    mistakes.push(`FESTIVAL_METRICS_TOKEN needs ${METRICS_TOKEN_MIN_CHARS} characters at least: it can be guessed`);
  }
  config.monitoring = {
    ...d.monitoring,
    // Faster than every 5 s, the limit of connections per device would be what is measured.
    probeEveryMs: text("FESTIVAL_PROBE_SECONDS") === "0"
      ? 0
      : count("FESTIVAL_PROBE_SECONDS", d.monitoring.probeEveryMs, 5, 3_600, 1_000, ", or 0"),
    reportShare: count("FESTIVAL_REPORT_PERCENT", 100 * d.monitoring.reportShare, 0, 100) / 100,
    reportEveryMs: count("FESTIVAL_REPORT_SECONDS", d.monitoring.reportEveryMs, 5, 3_600, 1_000),
    ...(token === undefined ? {} : { token }),
    logLevel: logLevel ?? d.monitoring.logLevel,
    // Deno's own variables.
    tracing: text("OTEL_DENO") === "true" && text("OTEL_DENO_TRACING") !== "false",
  };
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}
