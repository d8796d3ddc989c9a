/** Long polling over HTTP: finds or opens the connection of each request. Rules: docs/PROTOCOL.md, [POLL-…]. */
import { pause, type Random, type Timers } from "../../shared/environment.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import type { RoomId } from "../../protocol/event.ts";
import { POLL_REQUEST_MAX_BYTES } from "../../protocol/limits.ts";
import {
  POLL_PROBLEMS,
  type PollAnswerHead,
  type PollConnectionId,
  type PollProblem,
  readPollRequest,
} from "../../protocol/poll_frames.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { readBody } from "../http/responses.ts";
import { PollConnection } from "./poll_connection.ts";
import type { ChatServer } from "../server.ts";
import type { Visitor } from "./connection.ts";
import type { ServerStats } from "../stats/server_stats.ts";

export interface PollEndpointDeps {
  server: Pick<ChatServer, "connect">;
  stats?: ServerStats;
  settings: ServerConfig["polling"];
  timers: Timers;
  random: Random;
}

/** The parts of an HTTP request that are used. `signal`: its client is gone. */
export type PollHttpRequest = Pick<Request, "body" | "signal">;

/** The polling connections of one server instance. */
export class Polling {
  readonly #deps: PollEndpointDeps;
  /**
   * Those who fetched longest ago first. Live ones are bounded by `limits.connections` and `allUnfetchedChars`, ended ones
   * by `keepEndedBytes`.
   */
  readonly #connections = new Map<PollConnectionId, { room: RoomId; connection: PollConnection }>();
  /** Ended ones, oldest first, and the bytes that each keeps. */
  readonly #ended = new Map<PollConnection, number>();
  #endedBytes = 0;
  /** Of all live ones. */
  #unfetchedChars = 0;

  constructor(deps: PollEndpointDeps) {
    this.#deps = deps;
  }

  /** Connections that still answer, the ended ones included. */
  get size(): number {
    return this.#connections.size;
  }

  /** Answers one `POST /api/rooms/{room}/poll`. */
  async answer(room: RoomId, request: PollHttpRequest, visitor: Visitor): Promise<Response> {
    const { settings, timers } = this.#deps;
    const body = await readBody(request, { maxBytes: POLL_REQUEST_MAX_BYTES, withinMs: settings.bodyMs }, timers);
    if (body === "too_large") return problem(body);
    // The request broke off or was too slow: the client sends it again.
    if (body === "too_slow") return problem("bad_poll");
    const text = await new Blob(body).text();
    const asked = readPollRequest(text);
    if (asked === undefined) return problem("bad_poll");
    this.#deps.stats?.received("polling", text);
    if (asked.type === "open") return this.#lines(this.#open(room, visitor));
    const entry = this.#connections.get(asked.connection);
    if (entry === undefined || entry.room !== room) return problem("unknown_connection");
    const { connection } = entry;
    switch (asked.type) {
      case "fetch": {
        this.#connections.delete(asked.connection);
        this.#connections.set(asked.connection, entry);
        const frames = connection.fetch(asked.received, request.signal);
        return frames === "bad_poll" ? problem(frames) : this.#lines(await frames);
      }
      case "send":
        return head({ type: "taken", taken: connection.take(asked.first, asked.frames) });
      case "close":
        connection.forget();
        return head({ type: "taken", taken: 0 });
    }
  }

  /** Forgets every connection; those that have just ended get a moment for their last answer. All sessions end. */
  async close(): Promise<void> {
    if (this.#ended.size > 0) await pause(this.#deps.timers, this.#deps.settings.lastAnswersMs);
    for (const { connection } of [...this.#connections.values()]) connection.forget();
  }

  #lines(body: string): Response {
    this.#deps.stats?.sent("polling", body);
    return new Response(body, { headers: HEADERS });
  }

  #open(room: RoomId, visitor: Visitor): string {
    const { server, settings, timers, random } = this.#deps;
    const id = toBase64Url(random.bytes(16));
    const connection = new PollConnection({
      settings,
      timers,
      onUnfetched: (change) => this.#unfetched(change),
      onEnded: () => this.#keep(connection),
      onClosed: () => this.#deps.stats?.closed("polling"),
      onForgotten: () => {
        this.#connections.delete(id);
        this.#endedBytes -= this.#ended.get(connection) ?? 0;
        this.#ended.delete(connection);
      },
    });
    this.#connections.set(id, { room, connection });
    this.#deps.stats?.opened("polling");
    connection.serve(server.connect(room, connection, visitor));
    return connection.opening(id);
  }

  #unfetched(change: number): void {
    this.#unfetchedChars += change;
    if (change < 0) return;
    for (const { connection } of this.#connections.values()) {
      if (this.#unfetchedChars <= this.#deps.settings.allUnfetchedChars) return;
      if (connection.bufferedBytes() > 0 && !this.#ended.has(connection)) connection.forget();
    }
  }

  /** The server's limits no longer count an ended connection, so all of them together have a limit here. */
  #keep(connection: PollConnection): void {
    this.#ended.set(connection, connection.keptBytes);
    this.#endedBytes += connection.keptBytes;
    for (const oldest of this.#ended.keys()) {
      if (this.#endedBytes <= this.#deps.settings.keepEndedBytes) break;
      oldest.forget();
    }
  }
}

/** No caching and no rewriting: "optimising" proxies would hold back or change frames. */
const HEADERS = { "content-type": "application/x-ndjson", "cache-control": "no-store, no-transform" };

function head(answer: PollAnswerHead, status = 200): Response {
  return new Response(`${JSON.stringify(answer)}\n`, { status, headers: HEADERS });
}

function problem(name: PollProblem): Response {
  const response = head({ type: "problem", problem: name }, POLL_PROBLEMS[name]);
  // With several processes behind one port, a new TCP connection may reach the right one.
  if (name === "unknown_connection") response.headers.set("connection", "close");
  return response;
}
