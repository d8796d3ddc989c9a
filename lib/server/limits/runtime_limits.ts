/** The limits that an operator changes while the server runs: name, meaning, bounds, and the setting each one changes. */
import type { ServerConfig } from "../config/server_config.ts";

export interface RuntimeLimit {
  /** Its name in docs/OPERATING.md and the audit log. */
  name: string;
  min: number;
  max: number;
  read(config: ServerConfig): number;
  /** Changes the configuration in place, so that every holder of a part of it uses the new value at once. */
  write(config: ServerConfig, value: number): void;
}

const MINUTE_MS = 60_000, DAY_MS = 86_400_000;

export const RUNTIME_LIMITS: readonly RuntimeLimit[] = [
  {
    name: "message_burst",
    min: 1,
    max: 1_000,
    read: ({ limits }) => limits.messages.burst,
    write: ({ limits }, value) => void (limits.messages.burst = value),
  },
  {
    name: "message_every_ms",
    min: 0,
    max: 3_600_000,
    read: ({ limits }) => limits.messages.everyMs,
    write: ({ limits }, value) => void (limits.messages.everyMs = value),
  },
  {
    name: "device_connections_per_minute",
    min: 1,
    max: 1_000,
    read: ({ limits }) => limits.deviceConnections.burst,
    write: ({ limits }, value) => {
      limits.deviceConnections.burst = value;
      limits.deviceConnections.everyMs = MINUTE_MS / value;
    },
  },
  {
    name: "address_connections_per_minute",
    min: 15,
    max: 1_000_000,
    read: ({ limits }) => limits.addressConnections.burst,
    write: ({ limits }, value) => {
      limits.addressConnections.burst = value;
      limits.addressConnections.everyMs = MINUTE_MS / value;
    },
  },
  {
    name: "device_rooms_at_once",
    min: 1,
    max: 1_000,
    read: ({ limits }) => limits.deviceRooms.burst,
    write: ({ limits }, value) => void (limits.deviceRooms.burst = value),
  },
  {
    name: "address_rooms_at_once",
    min: 1,
    max: 100_000,
    read: ({ limits }) => limits.addressRooms.burst,
    write: ({ limits }, value) => void (limits.addressRooms.burst = value),
  },
  {
    name: "wrong_codes_per_minute",
    min: 1,
    max: 1_000,
    read: ({ limits }) => limits.wrongCodes.burst,
    write: ({ limits }, value) => {
      limits.wrongCodes.burst = value;
      limits.wrongCodes.everyMs = MINUTE_MS / value;
    },
  },
  {
    name: "address_wrong_codes_per_minute",
    min: 10,
    max: 1_000_000,
    read: ({ limits }) => limits.addressWrongCodes.burst,
    write: ({ limits }, value) => {
      limits.addressWrongCodes.burst = value;
      limits.addressWrongCodes.everyMs = MINUTE_MS / value;
    },
  },
  {
    name: "connections_per_instance",
    min: 1,
    max: 1_000_000,
    read: ({ limits }) => limits.connections,
    write: ({ limits }, value) => void (limits.connections = value),
  },
  {
    name: "open_rooms_per_instance",
    min: 1,
    max: 1_000_000,
    read: ({ limits }) => limits.openRooms,
    write: ({ limits }, value) => void (limits.openRooms = value),
  },
  {
    name: "retention_events",
    min: 100,
    max: 1_000_000,
    read: ({ retention }) => retention.maxEvents,
    write: ({ retention }, value) => void (retention.maxEvents = value),
  },
  {
    name: "retention_days",
    min: 1,
    max: 14,
    read: ({ retention }) => Math.round(retention.maxAgeMs / DAY_MS),
    write: ({ retention }, value) => void (retention.maxAgeMs = value * DAY_MS),
  },
];

/** A limit with its current value. */
export interface LimitView {
  name: string;
  value: number;
  /** The value without an operator's change: the default, or the environment's. */
  configured: number;
  source: "operator" | "configuration";
  min: number;
  max: number;
}

/** The typed values that differ from `configured`, or the first limit with an unusable value. */
export function readLimits(
  typed: (name: string) => string | undefined,
  configured: ServerConfig,
): { limits: Record<string, number> } | { wrong: RuntimeLimit } {
  const limits: Record<string, number> = {};
  for (const limit of RUNTIME_LIMITS) {
    const text = typed(limit.name)?.trim() ?? "";
    if (text === "") continue;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= limit.min && value <= limit.max)) return { wrong: limit };
    if (value !== limit.read(configured)) limits[limit.name] = value;
  }
  return { limits };
}
