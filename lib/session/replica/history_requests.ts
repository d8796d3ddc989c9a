/** Requests older messages from the server when somebody scrolls up, and again when it could not answer. */
import type { Cancel } from "../../shared/environment.ts";
import type { ServerConnection } from "../connection/server_connection.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { REFUSED_PAUSE_MS } from "../ports/session_limits.ts";
import type { ReplicaReader } from "./replica_reader.ts";

export interface HistoryRequestsDeps extends Pick<SessionDeps, "timers"> {
  reader: Pick<ReplicaReader, "takeRequest" | "askAgain">;
  connection: Pick<ServerConnection, "live" | "send" | "expectAnswer">;
}

export class HistoryRequests {
  readonly #deps: HistoryRequestsDeps;
  #cancel: Cancel | undefined;

  constructor(deps: HistoryRequestsDeps) {
    this.#deps = deps;
  }

  /** Requests what is wanted, if anything, while there is a connection. */
  request(): void {
    const { connection, reader } = this.#deps;
    if (!connection.live) return;
    const request = reader.takeRequest();
    if (request === undefined) return;
    if (connection.send({ type: "history", ...request })) connection.expectAnswer();
    else this.againIn(REFUSED_PAUSE_MS);
  }

  /** The last request failed: repeats it later. */
  againIn(delayMs: number): void {
    this.#deps.reader.askAgain();
    this.dispose();
    this.#cancel = this.#deps.timers.after(delayMs, () => this.request());
  }

  dispose(): void {
    this.#cancel?.();
  }
}
