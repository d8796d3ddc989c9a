/** Numbers among the settings as operators write them: whole, within bounds, in a unit such as days. */
import type { RateLimit } from "../../shared/rate_limiter.ts";
import type { ServerConfig } from "./server_config.ts";

export interface NumberSetting {
  min: number;
  max: number;
  read(config: ServerConfig): number;
  /** Changes the configuration in place, so that every holder of a part of it uses the new value at once. */
  write(config: ServerConfig, value: number): void;
}

/** The setting `key` of a part of the configuration, in multiples of `unit`. */
export function numberSetting<Key extends string>(
  min: number,
  max: number,
  of: (config: ServerConfig) => Record<NoInfer<Key>, number>,
  key: Key,
  unit = 1,
): NumberSetting {
  return {
    min,
    max,
    read: (config) => of(config)[key] === Infinity ? Infinity : Math.round(of(config)[key] / unit),
    write: (config, value) => void (of(config)[key] = value * unit),
  };
}

/** A rate per minute, all of which may come at once. */
export function perMinute(min: number, max: number, of: (config: ServerConfig) => RateLimit): NumberSetting {
  return {
    min,
    max,
    read: (config) => of(config).burst,
    write: (config, value) => void Object.assign(of(config), { burst: value, everyMs: 60_000 / value }),
  };
}

/** Megabytes of a limit that counts kilobytes: all at once, and then as many a day. */
export function megabytesPerDay(min: number, max: number, of: (config: ServerConfig) => RateLimit): NumberSetting {
  return {
    min,
    max,
    read: (config) => Math.round(of(config).burst / 1_024),
    write: (config, value) =>
      void Object.assign(of(config), { burst: value * 1_024, everyMs: 86_400_000 / (value * 1_024) }),
  };
}

/** The number that was typed; undefined when it is none or out of bounds. */
export function readNumber({ min, max }: NumberSetting, typed: string): number | undefined {
  const value = /^\d{1,9}$/.test(typed) ? Number(typed) : NaN;
  return value >= min && value <= max ? value : undefined;
}
