/** Loads the code that reports transport statistics (transport_reporter.ts) once a page has been open for a while. */

import type { Cancel, Timers } from "../../shared/environment.ts";
import type { TransportTap } from "./transport_reporter.ts";

export interface TransportReportsDeps {
  timers: Timers;
  /** Without a connection nobody would receive the report: tries again later. */
  isConnected(): boolean;
  load(): Promise<TransportTap>;
  /** Passes on the loaded code, which receives measurements from now on. */
  onTap(tap: TransportTap): void;
}

/** Time after which a page may report. */
const REPORTS_AFTER_MS = 15_000;

export class TransportReports {
  readonly #deps: TransportReportsDeps;
  #tap: TransportTap | undefined;
  #cancel: Cancel;
  #disposed = false;

  constructor(deps: TransportReportsDeps) {
    this.#deps = deps;
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
    const { timers, isConnected, load, onTap } = this.#deps;
    return timers.after(REPORTS_AFTER_MS, () => {
      if (!isConnected()) return void (this.#cancel = this.#later());
      // Without the code this page reports nothing.
      load().then((tap) => {
        if (this.#disposed) return tap.dispose();
        onTap(this.#tap = tap);
      }, () => {});
    });
  }
}
