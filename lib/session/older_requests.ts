/** Asks the server for older messages when somebody wants to see them, and again when it could not answer. */
import type { Connection } from "./connection.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import { REFUSED_PAUSE_MS } from "./limits.ts";
import type { LogReader } from "./log_reader.ts";

export interface OlderRequestsParts extends Pick<SessionDeps, "timers"> {
  reader: Pick<LogReader, "takeRequest" | "askAgain">;
  connection: Pick<Connection, "live" | "send" | "expectAnswer">;
}

export class OlderRequests {
  readonly #parts: OlderRequestsParts;
  #cancel: Cancel | undefined;

  constructor(parts: OlderRequestsParts) {
    this.#parts = parts;
  }

  /** Asks for what is wanted, if anything is and there is a connection. */
  request(): void {
    const { connection, reader } = this.#parts;
    if (!connection.live) return;
    const request = reader.takeRequest();
    if (request === undefined) return;
    if (connection.send({ type: "history", ...request })) connection.expectAnswer();
    else this.againIn(REFUSED_PAUSE_MS);
  }

  /** What was asked for last does not come: it is asked for again. */
  againIn(delayMs: number): void {
    this.#parts.reader.askAgain();
    this.dispose();
    this.#cancel = this.#parts.timers.after(delayMs, () => this.request());
  }

  dispose(): void {
    this.#cancel?.();
  }
}
