/** The environment variables that set the server's settings: the table in docs/OPERATING.md is made of this one. */
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { readPasswordHash } from "../admin/password.ts";
import { LOG_LEVELS } from "../stats/figures.ts";
import { runtimeLimit } from "../limits/runtime_limits.ts";
import { readNetwork } from "../http/ip_address.ts";
import { megabytesPerDay, type NumberSetting, numberSetting, readNumber } from "./number_setting.ts";
import { DEFAULT_CONFIG, type ServerConfig } from "./server_config.ts";

export interface Variable {
  name: string;
  /** The default as docs/OPERATING.md shows it; empty when there is none. */
  shownDefault: string;
  /** One line of Markdown for operators. */
  meaning: string;
  /** Puts a value into the settings. A result says why the value cannot be used; it follows the variable's name. */
  set(config: ServerConfig, value: string): string | undefined;
}

/** Shortest token for the figures. */
const METRICS_TOKEN_MIN_CHARS = 16;
const ENVIRONMENTS = ["development", "staging", "production"] as const;

const settings = (config: ServerConfig) => config;
const ice = (config: ServerConfig) => config.ice;
const admin = (config: ServerConfig) => config.admin;
const monitoring = (config: ServerConfig) => config.monitoring;

export const VARIABLES: readonly Variable[] = [
  {
    name: "FESTIVAL_ENVIRONMENT",
    shownDefault: "`production`; `development` under `deno task dev`",
    meaning: "`development`, `staging` or `production`: shown by /health; HSTS only in production",
    set(config, value) {
      const known = ENVIRONMENTS.find((name) => name === value);
      if (known === undefined) return `is development, staging or production, not ${JSON.stringify(value)}`;
      config.environment = known;
    },
  },
  text("FESTIVAL_DATA_DIR", "folder of the embedded database", settings, "dataDir"),
  text(
    "FESTIVAL_KV_URL",
    "address of a shared KV server (KV Connect); replaces the embedded database. Its token: `DENO_KV_ACCESS_TOKEN`",
    settings,
    "kvUrl",
    (value) =>
      /^https?:$/.test(URL.parse(value)?.protocol ?? "")
        ? undefined
        : `has to be an http or https address, not ${JSON.stringify(value)}`,
  ),
  orZero(
    count(
      "FESTIVAL_BACKUP_HOURS",
      numberSetting(1, 8_760, (config) => config.backups, "everyMs", 3_600_000),
      "time from one backup to the next, in the folder `backups` of the data folder",
    ),
    (config) => config.backups.everyMs = 0,
  ),
  count(
    "FESTIVAL_BACKUP_KEEP",
    numberSetting(1, 10_000, (config) => config.backups, "keep"),
    "newest of these backups that are kept",
  ),
  {
    ...text("FESTIVAL_BUILD", "name of the running build, for /health", settings, "build"),
    shownDefault: `the git commit that was built, else the deployment's id, else \`${DEFAULT_CONFIG.build}\``,
  },
  {
    name: "FESTIVAL_TRUSTED_PROXIES",
    shownDefault: "`127.0.0.0/8 ::1`",
    meaning:
      "addresses and networks of the proxies in front, separated by spaces or commas: their `X-Forwarded-For` and `X-Forwarded-Proto` are believed, nobody else's",
    set(config, value) {
      const items = value.split(/[\s,]+/).filter((item) => item !== "");
      const networks = items.map(readNetwork);
      const wrong = items[networks.indexOf(undefined)];
      if (wrong !== undefined) return `takes addresses and networks such as 10.0.0.0/8, not ${JSON.stringify(wrong)}`;
      config.trustedProxies = networks.filter((network) => network !== undefined);
    },
  },
  list(
    "FESTIVAL_ORIGINS",
    "further origins whose pages may open sockets, separated by spaces or commas",
    settings,
    "origins",
    (origin) => URL.parse(origin)?.origin === origin,
    "origins such as https://chat.example",
  ),
  count("FESTIVAL_RETENTION_DAYS", runtimeLimit("retention_days"), "an event is deleted this long after it was stored"),
  count("FESTIVAL_RETENTION_EVENTS", runtimeLimit("retention_events"), "newest events of a room that are kept"),
  count(
    "FESTIVAL_IDLE_ROOM_DAYS",
    numberSetting(1, 3_650, (config) => config.retention, "idleRoomMs", 86_400_000),
    "an empty room without new events for this long is removed with its code",
  ),
  count("FESTIVAL_MESSAGE_BURST", runtimeLimit("message_burst"), "messages of one author at once"),
  count("FESTIVAL_MESSAGE_EVERY_MS", runtimeLimit("message_every_ms"), "after that, one message in this time"),
  count(
    "FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE",
    runtimeLimit("address_connections_per_minute"),
    "new connections from one address; a whole festival may share one",
  ),
  count("FESTIVAL_MAX_CONNECTIONS", runtimeLimit("connections_per_instance"), "connections of one instance"),
  count("FESTIVAL_MAX_OPEN_ROOMS", runtimeLimit("open_rooms_per_instance"), "rooms open on one instance at a time"),
  count(
    "FESTIVAL_ROOM_MB",
    numberSetting(1, 1_000_000, (config) => config.limits, "roomBytes", 1_048_576),
    "messages that one room holds; beyond it, new ones wait for the oldest to be a day old",
  ),
  count(
    "FESTIVAL_ADDRESS_ROOM_MB",
    megabytesPerDay(1, 1_000_000, (config) => config.limits.addressRoomKilobytes),
    "messages that one address writes into one room at once, and then a day",
  ),
  count(
    "FESTIVAL_ADDRESS_MB",
    megabytesPerDay(1, 1_000_000, (config) => config.limits.addressKilobytes),
    "messages that one address writes into all rooms at once, and then a day",
  ),
  count(
    "FESTIVAL_FREE_DISK_MB",
    numberSetting(1, 1_000_000, (config) => config.limits, "freeDiskBytes", 1_048_576),
    "free space of the database's disk below which nothing is stored; of a small disk at most a tenth",
  ),
  count(
    "FESTIVAL_MEMORY_MB",
    numberSetting(128, 1_048_576, (config) => config.overload, "memoryBytes", 1_048_576),
    "RAM that the process may use; near it, new work is refused. Absent: the container's limit, or 80 % of the machine's RAM",
  ),
  text(
    "FESTIVAL_ADMIN_PASSWORD_HASH",
    "switches /admin on: the output of `deno task admin:hash`",
    admin,
    "passwordHash",
    (value) => readPasswordHash(value) === undefined ? "is not what `deno task admin:hash` prints" : undefined,
  ),
  text(
    "FESTIVAL_OPERATOR_KEY",
    "signs broadcasts: the output of `deno task admin:key`",
    admin,
    "operatorKey",
    (value) => isBase64UrlOf(value, 32) ? undefined : "is not what `deno task admin:key` prints",
  ),
  list(
    "FESTIVAL_STUN_URLS",
    "STUN servers for links between phones, separated by spaces or commas: `stun:turn.chat.example:3478`",
    ice,
    "stunUrls",
    (url) => /^stuns?:[^\s/?@]+$/.test(url),
    "addresses such as stun:turn.chat.example:3478",
  ),
  list(
    "FESTIVAL_TURN_URLS",
    "TURN servers: `turn:turn.chat.example:3478?transport=udp`",
    ice,
    "turnUrls",
    (url) => /^turns?:[^\s/?@]+(\?transport=(udp|tcp))?$/.test(url),
    "addresses such as turn:turn.chat.example:3478?transport=udp",
  ),
  text(
    "FESTIVAL_TURN_SECRET",
    "the secret those servers know; goes with `FESTIVAL_TURN_URLS`",
    ice,
    "turnSecret",
  ),
  count(
    "FESTIVAL_TURN_LIFE_MINUTES",
    numberSetting(5, 1_440, ice, "turnLifeMs", 60_000),
    "life of the credentials a device gets",
  ),
  // Not below 5 s: there the limit of connections per device would be what is measured.
  orZero(
    count(
      "FESTIVAL_PROBE_SECONDS",
      numberSetting(5, 3_600, monitoring, "probeEveryMs", 1_000),
      "time from one signed probe of each transport to the next",
    ),
    (config) => config.monitoring.probeEveryMs = 0,
  ),
  count(
    "FESTIVAL_REPORT_PERCENT",
    numberSetting(0, 100, monitoring, "reportShare", 1 / 100),
    "share of pages that report how their transports work; 0: none",
  ),
  count(
    "FESTIVAL_REPORT_SECONDS",
    numberSetting(5, 3_600, monitoring, "reportEveryMs", 1_000),
    "time from one report of a page to its next",
  ),
  {
    name: "FESTIVAL_FIGURES",
    shownDefault: "`closed`; `public` in development without a token",
    meaning:
      "`public`: everybody may read /metrics, /analytics and all of /health. `closed`: operators who are logged in, and readers with `FESTIVAL_METRICS_TOKEN`",
    set(config, value) {
      if (value !== "public" && value !== "closed") return `is public or closed, not ${JSON.stringify(value)}`;
      config.monitoring.publicFigures = value === "public";
    },
  },
  text(
    "FESTIVAL_METRICS_TOKEN",
    `opens the figures to programs and people who present it (at least ${METRICS_TOKEN_MIN_CHARS} characters)`,
    monitoring,
    "token",
    (value) =>
      value.length < METRICS_TOKEN_MIN_CHARS
        ? `needs ${METRICS_TOKEN_MIN_CHARS} characters at least: it can be guessed`
        : undefined,
  ),
  {
    name: "FESTIVAL_LOG_LEVEL",
    shownDefault: `\`${DEFAULT_CONFIG.monitoring.logLevel}\``,
    meaning: "`debug`, `info`, `warn` or `error`",
    set(config, value) {
      const level = LOG_LEVELS.find((known) => known === value);
      if (level === undefined) return `is one of ${LOG_LEVELS.join(", ")}, not ${JSON.stringify(value)}`;
      config.monitoring.logLevel = level;
    },
  },
];

function count(name: string, setting: NumberSetting, meaning: string): Variable {
  const { min, max, read, write } = setting;
  const value = read(DEFAULT_CONFIG);
  return {
    name,
    shownDefault: value === Infinity ? "" : String(value),
    meaning: `${meaning} (${min} to ${max})`,
    set(config, typed) {
      const number = readNumber(setting, typed);
      if (number === undefined) return `has to be a whole number from ${min} to ${max}, not ${JSON.stringify(typed)}`;
      write(config, number);
    },
  };
}

/** The same number or 0, which switches something off. */
function orZero(variable: Variable, setZero: (config: ServerConfig) => void): Variable {
  return {
    ...variable,
    meaning: `${variable.meaning}; 0: none`,
    set(config, value) {
      if (value !== "0") return variable.set(config, value)?.replace(", not", ", or 0, not");
      setZero(config);
    },
  };
}

function text<Key extends string>(
  name: string,
  meaning: string,
  of: (config: ServerConfig) => Record<NoInfer<Key>, string | undefined>,
  key: Key,
  mistakeIn?: (value: string) => string | undefined,
): Variable {
  const value = of(DEFAULT_CONFIG)[key];
  return {
    name,
    shownDefault: value === undefined ? "" : `\`${value}\``,
    meaning,
    set(config, typed) {
      of(config)[key] = typed;
      return mistakeIn?.(typed);
    },
  };
}

/** Several values, separated by spaces or commas. `examples` says what each has to be. */
function list<Key extends string>(
  name: string,
  meaning: string,
  of: (config: ServerConfig) => Record<NoInfer<Key>, readonly string[]>,
  key: Key,
  isRight: (item: string) => boolean,
  examples: string,
): Variable {
  return {
    name,
    shownDefault: "",
    meaning,
    set(config, typed) {
      const items = typed.split(/[\s,]+/).filter((item) => item !== "");
      of(config)[key] = items;
      const wrong = items.find((item) => !isRight(item));
      return wrong === undefined ? undefined : `takes ${examples}, not ${JSON.stringify(wrong)}`;
    },
  };
}
