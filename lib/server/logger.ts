/**
 * The log for operators: JSON lines in production and staging, readable text in development. Lines never contain user
 * data: no names, texts, codes, links, addresses, cookies.
 */
import { BoundedMap } from "../shared/bounded.ts";
import type { EnvironmentName } from "./config/server_config.ts";
import { LOG_LEVELS, type LogLevel } from "./stats/figures.ts";
import type { Log } from "./environment.ts";

/** Fields beside the line; values are the program's own words and numbers. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

export interface Logger {
  log(level: LogLevel, line: string, fields?: LogFields): void;
  /** Writes a warning; the form that the server's parts take. */
  readonly warn: Log;
  /** Writes a line of the record: at every level, and never held back. */
  readonly record: Log;
}

export interface LoggerDeps {
  level: LogLevel;
  format: "json" | "text";
  clock: { now(): number };
  write(level: LogLevel, text: string): void;
  /** Called for every line, also for those held back. */
  onLine?(level: LogLevel): void;
}

/** The same line is written once in this time, with a count of its repetitions. */
export const REPEAT_GAP_MS = 10_000;
/** Different lines that are remembered for this; the oldest is forgotten. */
const REMEMBERED_LINES = 200;
/** Lines of all kinds in this time; more are held back, and the next one says how many. */
export const BURST_LINES = 300;
export const BURST_MS = 10_000;
/** Longest line. */
const LINE_MAX_CHARS = 2_000;

export function createLogger({ level, format, clock, write, onLine }: LoggerDeps): Logger {
  const least = LOG_LEVELS.indexOf(level);
  /** By line: when it was written, and how often it was held back since then. */
  const remembered = new BoundedMap<string, { at: number; heldBack: number }>(REMEMBERED_LINES);
  let burst = { at: -Infinity, lines: 0, heldBack: 0 };

  const log: Logger["log"] = (level, line, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    onLine?.(level);
    const now = clock.now();
    const known = remembered.get(line);
    // Also when the clock was set back, which must not silence a line for hours.
    if (known !== undefined && now >= known.at && now - known.at < REPEAT_GAP_MS) {
      known.heldBack++;
      return;
    }
    if (!(now - burst.at < BURST_MS && now >= burst.at)) burst = { at: now, lines: 0, heldBack: burst.heldBack };
    if (burst.lines >= BURST_LINES) {
      burst.heldBack++;
      return;
    }
    burst.lines++;
    const heldBack = (known?.heldBack ?? 0) + burst.heldBack;
    burst.heldBack = 0;
    remembered.set(line, { at: now, heldBack: 0 });
    const all: LogFields = heldBack > 0 ? { ...fields, heldBack } : fields;
    put(level, line, all);
  };

  const put = (level: LogLevel, line: string, fields: LogFields) => {
    const message = line.slice(0, LINE_MAX_CHARS);
    const time = new Date(clock.now()).toISOString();
    if (format === "json") return write(level, JSON.stringify({ time, level, message, ...fields }));
    const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`).join("");
    write(level, `${time.slice(11, 23)} ${level.padEnd(5)} ${message}${rest}`);
  };

  const record: Log = (line) => {
    onLine?.("info");
    put("info", line, {});
  };
  return { log, warn: (line) => log("warn", line), record };
}

export function logFormatOf(environment: EnvironmentName): "json" | "text" {
  return environment === "development" ? "text" : "json";
}

/**
 * An error's fields for a log: its class and where it was thrown. Only our own errors keep their message, because other
 * messages quote input, as JSON's do.
 */
export function errorFields(error: unknown, environment: EnvironmentName): LogFields {
  if (!(error instanceof Error)) return { error: typeof error };
  if (environment === "development") return { error: error.stack ?? String(error) };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)).slice(0, 10);
  return {
    error: error.name,
    ...(isOwn(error) ? { reason: error.message } : {}),
    stack: frames.map((line) => line.trim().slice(0, 200)).join(" | "),
  };
}

/** The same as text within a line: `TypeError at commit (…)`. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if (isOwn(error)) return error.message;
  const frame = (error.stack ?? "").split("\n").find((line) => /^\s+at /.test(line));
  return `${error.name} ${frame?.trim().slice(0, 200) ?? ""}`.trim();
}

function isOwn(error: Error): boolean {
  return error.name === "StorageUnavailable" || error.name === "ConfigError";
}

/** Writes through console, so that OpenTelemetry's log export includes the lines where it is on. */
export function writeToConsole(level: LogLevel, text: string): void {
  console[level](text);
}
