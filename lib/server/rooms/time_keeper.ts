/**
 * Counts the running time of servers on this database, which needs no correct clock, and detects an implausible clock.
 * Retention depends on both: [RET-3] and [RET-4] in docs/PROTOCOL.md.
 */
import { BoundedMap } from "../../shared/bounded.ts";
import type { Clock } from "../../shared/environment.ts";
import { StorageUnavailable } from "../../store/database.ts";
import type { TimeStore } from "../../store/instances/time.ts";
import { type ClockProblem, type ClockReading, judgeTime } from "./plausible_time.ts";
import type { Log } from "../environment.ts";

/** Most devices whose clocks are remembered, and for how long. */
const DEVICES_MAX = 101;
const DEVICE_MS = 6 * 3_600_000;
/** Lost races with other instances after which one look gives up. */
const RACES_MAX = 20;

const PROBLEMS: Record<ClockProblem, string> = {
  before_release: "it tells a time before this version was made",
  unlike_devices: "the clocks of most devices differ by more than an hour",
  behind_its_past: "it went back, or is behind a time at which a server ran on this database",
  ahead_of_its_past: "it jumped ahead",
};

export interface TimeKeeperDeps {
  store: Pick<TimeStore, "read" | "write">;
  clock: Clock;
  /** A clock that never jumps, with any origin. */
  steady: Clock;
  log: Log;
  /** The most that one look counts, ms, so that an instance that was cut off does not count time that others counted. */
  stepMs: number;
}

/** The result of one look at the clocks. */
export interface TimeLook {
  /** Server's clock, ms since 1970. */
  nowMs: number;
  /** The running time of servers on this database, ms: at most the true time plus `stepMs`. */
  runningMs: number;
  /** Nothing may be deleted by age while this is false. */
  plausible: boolean;
}

export class TimeKeeper {
  readonly #deps: TimeKeeperDeps;
  #counted: { runningMs: number; steadyMs: number } | undefined;
  #believed: ClockReading | undefined;
  #doubtedSince: ClockReading | undefined;
  #seenWallMs: number | undefined;
  #problem: ClockProblem | undefined;
  /** By device, the latest one last. */
  readonly #devices = new BoundedMap<string, { lead: number; heardAt: number }>(DEVICES_MAX);

  constructor(deps: TimeKeeperDeps) {
    this.#deps = deps;
  }

  /** Records a device's clock. */
  hear(device: string, atMs: number): void {
    const steadyMs = this.#deps.steady.now();
    this.#devices.set(device, { lead: atMs - steadyMs, heardAt: steadyMs });
  }

  /** Why the clock is implausible, in one line; undefined if it is plausible. */
  get problem(): string | undefined {
    this.#judge();
    return this.#problem && `clock_not_plausible: ${PROBLEMS[this.#problem]}; nothing is deleted by age`;
  }

  /** The running time up to now, at least as much as in any look of this instance. Undefined before the first one. */
  get runningMs(): number | undefined {
    return this.#counted && this.#counted.runningMs + this.#deps.steady.now() - this.#counted.steadyMs;
  }

  /** Counts the time since the last look, and compares the clock with what the database has seen. */
  async look(): Promise<TimeLook> {
    const { store, steady, stepMs } = this.#deps;
    for (let race = 0; race < RACES_MAX; race++) {
      // Taken before the read, so that time that others count meanwhile is not counted twice.
      const steadyMs = steady.now();
      const { record, version } = await store.read();
      const own = this.#counted === undefined
        ? 0
        : this.#counted.runningMs + Math.min(Math.max(0, steadyMs - this.#counted.steadyMs), stepMs);
      const runningMs = Math.max(own, record?.runningMs ?? 0);
      this.#seenWallMs = record?.wallMs;
      const { wallMs } = this.#judge();
      const plausible = this.#problem === undefined;
      const seen = plausible ? wallMs : record?.wallMs;
      if (!await store.write({ runningMs, ...(seen !== undefined && { wallMs: seen }) }, version)) continue;
      this.#counted = { runningMs, steadyMs };
      if (plausible) this.#seenWallMs = wallMs;
      return { nowMs: wallMs, runningMs, plausible };
    }
    throw new StorageUnavailable(`the running time was not counted: ${RACES_MAX} races lost`);
  }

  #judge(): ClockReading {
    const { clock, steady, log } = this.#deps;
    const reading = { wallMs: clock.now(), steadyMs: steady.now() };
    const devices = [...this.#devices.values()]
      .filter(({ heardAt }) => reading.steadyMs - heardAt < DEVICE_MS).map(({ lead }) => lead);
    const judged = judgeTime(reading, {
      believed: this.#believed,
      seenWallMs: this.#seenWallMs,
      devices,
      doubtedSince: this.#doubtedSince,
    });
    this.#doubtedSince = judged.doubtedSince;
    if (judged.problem === undefined) this.#believed = reading;
    if (judged.problem !== this.#problem) {
      this.#problem = judged.problem;
      log(
        judged.problem === undefined
          ? "the clock is plausible again: what is too old is deleted again"
          : `clock_not_plausible: ${PROBLEMS[judged.problem]}; nothing is deleted by age until it is right`,
      );
    }
    return reading;
  }
}
