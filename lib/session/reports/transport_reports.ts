/** Loads what reports the transports to the server (transport_reporter.ts), once a page has been open for a while. */

import type { Cancel, Timers } from "../../shared/environment.ts";
import type { TransportTap } from "./transport_reporter.ts";

export interface TransportReportsDeps {
  timers: Timers;
  /** Without a connection there is nobody to report to: then later. */
  isConnected(): boolean;
  load(): Promise<TransportTap>;
  /** It is there, and wants to hear what is measured. */
  onTap(tap: TransportTap): void;
}

/** A page that is open this long may report its transports. */
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
      // Without its code nothing is told: nobody misses it.
      load().then((tap) => {
        if (this.#disposed) return tap.dispose();
        onTap(this.#tap = tap);
      }, () => {});
    });
  }
}
