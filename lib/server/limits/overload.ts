/**
 * How much work an instance accepts under overload. It refuses first the work that can wait, by name and with a time to
 * come back, so that accepted work is done in time. A decision over signals that load_meter.ts measures.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";

/** The refused work; each level adds to those before it. */
export const LOAD_LEVELS = [
  /** Nothing. */
  "normal",
  /**
   * Pages of history (`busy`), and newcomers: joins without a place in the log, and making rooms (`overloaded`). A wrong
   * code gets no suggestions.
   */
  "no_newcomers",
  /** Every new connection. */
  "no_joins",
  /** A share of the events; the share adapts to the instance's capacity. */
  "fewer_events",
] as const;
export type LoadLevel = (typeof LOAD_LEVELS)[number];

/** Events that wait to be stored: in one room, or the worst of all rooms. */
export interface StoreLoad {
  /** How full the fullest commit queue is, 0 to 1. */
  queueShare: number;
  /** How long the oldest event has waited to be stored, ms. */
  storeMs: number;
}

/** The measurements since the last check. Each has its limits in `config.overload`. */
export interface LoadSignals extends StoreLoad {
  /** How late timers fire, ms: the time one turn of the event loop takes. */
  lagMs: number;
  /** Share of the time in which the event loop is not free, 0 to 1. */
  busyShare: number;
  /** Share of the available memory in use, 0 to 1. */
  memoryShare: number;
}
export type LoadSignal = keyof LoadSignals;

export interface Load {
  level: LoadLevel;
  /** The signal that called for the level; undefined when it is normal. */
  signal?: LoadSignal;
  /** Share of the events that is accepted: 1 below `fewer_events`. */
  eventShare: number;
  /** Since when the signals have called for less than the level, ms; undefined while they do not. */
  calmSince?: number;
}

export const NO_LOAD: Load = { level: "normal", eventShare: 1 };

/**
 * The load after one check. It rises at once to the level of the worst signal; it falls one level after each `calmMs`
 * in which no signal called for the level, so that it does not oscillate. The share of events shrinks by a factor while the
 * signals stay at the top and grows by steps when they do not, as TCP's window does (RFC 5681, section 3.1).
 */
export function nextLoad(before: Load, signals: LoadSignals, nowMs: number, settings: ServerConfig["overload"]): Load {
  let wanted = 0, signal: LoadSignal | undefined;
  for (const name of ["lagMs", "busyShare", "queueShare", "storeMs", "memoryShare"] as const) {
    const reached = settings[name].filter((limit) => signals[name] >= limit).length;
    if (reached > wanted) [wanted, signal] = [reached, name];
  }
  const top = LOAD_LEVELS.length - 1;
  const level = LOAD_LEVELS.indexOf(before.level);
  const { shareFactor, shareStep, minShare, calmMs } = settings;
  const eventShare = wanted === top
    ? Math.max(minShare, before.eventShare * shareFactor)
    : Math.min(1, before.eventShare + shareStep);
  if (wanted >= level) {
    return wanted === 0 ? { ...NO_LOAD, eventShare } : { level: LOAD_LEVELS[wanted]!, signal: signal!, eventShare };
  }
  // Back to all events first, then back to joins.
  const calmSince = eventShare < 1 ? nowMs : Math.min(before.calmSince ?? nowMs, nowMs);
  if (nowMs - calmSince < calmMs) return { ...before, eventShare, calmSince };
  const lower = level - 1;
  if (lower === 0) return { ...NO_LOAD, eventShare };
  return { level: LOAD_LEVELS[lower]!, ...(before.signal && { signal: before.signal }), eventShare, calmSince: nowMs };
}

/** The event loop's delays, measured by timers. */
export interface TimerDelays {
  /** The longest delay of a timer, ms. */
  lagMs: number;
  /**
   * Share of timers that fired late, which estimates how often the event loop is busy. Unlike CPU time it also shows a core
   * that other programs use, and a loop with many short turns.
   */
  lateShare: number;
}

export interface OverloadDeps {
  config: ServerConfig["overload"];
  environment: Environment;
  /** Measures since the last call. Absent: the load is always normal. */
  measure?(timers: TimerDelays): LoadSignals;
}

/** Checks the load regularly and answers which work is accepted. */
export class Overload {
  readonly #deps: OverloadDeps;
  #load = NO_LOAD;
  #cancel: Cancel = () => {};
  #lookedAt: number;
  /** Since the last check: samples, late ones, and the longest delay. */
  #samples = 0;
  #late = 0;
  #lagMs = 0;

  constructor(deps: OverloadDeps) {
    this.#deps = deps;
    this.#lookedAt = deps.environment.clock.now();
    this.#sampleLater();
  }

  get load(): Load {
    return this.#load;
  }

  get takesNewcomers(): boolean {
    return this.#load.level === "normal";
  }

  get takesHistory(): boolean {
    return this.#load.level === "normal";
  }

  get takesJoins(): boolean {
    return this.#load.level === "normal" || this.#load.level === "no_newcomers";
  }

  /** Whether the next event is accepted. */
  takesEvent(): boolean {
    const { eventShare } = this.#load;
    return eventShare >= 1 || this.#deps.environment.random.fraction() < eventShare;
  }

  /** When a client should retry after a refusal for load: each one at another time. */
  retryAfterMs(): number {
    const { config: { retryAfterMs }, environment: { random } } = this.#deps;
    return Math.round(retryAfterMs * (1 + random.fraction()));
  }

  close(): void {
    this.#cancel();
  }

  /** Samples the event loop, and checks all signals from time to time. */
  #sampleLater(): void {
    const { config, environment: { clock, timers }, measure } = this.#deps;
    if (measure === undefined) return;
    const dueAt = clock.now() + config.sampleMs;
    this.#cancel = timers.after(config.sampleMs, () => {
      const now = clock.now();
      // A jump of the clock is no lag; the longest lag that counts is far below a minute.
      const lateMs = Math.min(Math.max(0, now - dueAt), 60_000);
      this.#samples++;
      if (lateMs >= config.lateMs) this.#late++;
      this.#lagMs = Math.max(this.#lagMs, lateMs);
      // A clock that was set back must not stop the checks.
      if (Math.abs(now - this.#lookedAt) >= config.lookMs) this.#look(now, measure);
      this.#sampleLater();
    });
  }

  #look(now: number, measure: NonNullable<OverloadDeps["measure"]>): void {
    const before = this.#load;
    const signals = measure({ lagMs: this.#lagMs, lateShare: this.#late / this.#samples });
    this.#load = nextLoad(before, signals, now, this.#deps.config);
    this.#lookedAt = now;
    this.#samples = this.#late = this.#lagMs = 0;
    this.#note(before.level);
  }

  #note(before: LoadLevel): void {
    const { level, signal } = this.#load;
    if (level === before) return;
    const why = signal === undefined ? "" : ` (${signal})`;
    this.#deps.environment.log(`load: ${before} → ${level}${why}`);
  }
}
