/** Loads what reports the roads to the server (road_reporter.ts), once a page has been open for a while. */
import type { Cancel, Timers } from "./deps.ts";
import type { RoadTap } from "./road_reporter.ts";

export interface RoadReportsParts {
  timers: Timers;
  /** Without a connection there is nobody to report to: then later. */
  isConnected(): boolean;
  load(): Promise<RoadTap>;
  /** It is there, and wants to hear what is measured. */
  onTap(tap: RoadTap): void;
}

/** A page that is open this long may report its roads. */
const REPORTS_AFTER_MS = 15_000;

export class RoadReports {
  readonly #parts: RoadReportsParts;
  #tap: RoadTap | undefined;
  #cancel: Cancel;
  #disposed = false;

  constructor(parts: RoadReportsParts) {
    this.#parts = parts;
    this.#cancel = this.#later();
  }

  /** The page is left. */
  leave(): void {
    this.#tap?.leave();
  }

  dispose(): void {
    this.#disposed = true;
    this.#cancel();
    this.#tap?.dispose();
  }

  #later(): Cancel {
    const { timers, isConnected, load, onTap } = this.#parts;
    return timers.after(REPORTS_AFTER_MS, () => {
      if (!isConnected()) return void (this.#cancel = this.#later());
      // Without its code nothing is told: nobody misses it.
      load().then((tap) => {
        if (this.#disposed) return tap.dispose();
        onTap(this.#tap = tap);
      }, () => {});
    });
  }
}
