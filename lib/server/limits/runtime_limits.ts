/** The limits that an operator changes while the server runs. */
import { type NumberSetting, numberSetting, perMinute, readNumber } from "../config/number_setting.ts";
import type { ServerConfig } from "../config/server_config.ts";

export interface RuntimeLimit extends NumberSetting {
  /** Its name in docs/OPERATING.md and the audit log. */
  name: string;
}

const limits = (config: ServerConfig) => config.limits;
const retention = (config: ServerConfig) => config.retention;

const LIMITS = {
  message_burst: numberSetting(1, 1_000, (config) => config.limits.messages, "burst"),
  message_every_ms: numberSetting(0, 3_600_000, (config) => config.limits.messages, "everyMs"),
  device_connections_per_minute: perMinute(1, 1_000, (config) => config.limits.deviceConnections),
  address_connections_per_minute: perMinute(15, 1_000_000, (config) => config.limits.addressConnections),
  device_rooms_at_once: numberSetting(1, 1_000, (config) => config.limits.deviceRooms, "burst"),
  address_rooms_at_once: numberSetting(1, 100_000, (config) => config.limits.addressRooms, "burst"),
  wrong_codes_per_minute: perMinute(1, 1_000, (config) => config.limits.wrongCodes),
  address_wrong_codes_per_minute: perMinute(10, 1_000_000, (config) => config.limits.addressWrongCodes),
  connections_per_instance: numberSetting(1, 1_000_000, limits, "connections"),
  open_rooms_per_instance: numberSetting(1, 1_000_000, limits, "openRooms"),
  retention_events: numberSetting(100, 1_000_000, retention, "maxEvents"),
  // At most 14 days: authors' records live 14 days after their last event and must outlive the events.
  retention_days: numberSetting(1, 14, retention, "maxAgeMs", 86_400_000),
};

export const RUNTIME_LIMITS: readonly RuntimeLimit[] = Object.entries(LIMITS).map(([name, limit]) => ({
  name,
  ...limit,
}));

/** The limit with this name, also where the environment sets it. */
export function runtimeLimit(name: keyof typeof LIMITS): NumberSetting {
  return LIMITS[name];
}

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
    const value = readNumber(limit, text);
    if (value === undefined) return { wrong: limit };
    if (value !== limit.read(configured)) limits[limit.name] = value;
  }
  return { limits };
}
