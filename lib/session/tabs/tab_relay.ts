/**
 * The leader's side of one connection for all tabs of a device. It reads the frames of its own tab's transport and
 * speaks to the other tabs as the server would. Each event is sent to the server once, whichever tab sends it first,
 * and every tab gets the answer.
 */
import type { Clock } from "../../shared/environment.ts";
import { type ClientFrame, decodeClientFrame } from "../../protocol/client_frames.ts";
import { decodeServerFrame, type LogPosition, type ServerFrame } from "../../protocol/frames.ts";
import { type AuthorKey, type EventId, eventIdOf } from "../../protocol/event.ts";
import type { LogEntry } from "../../protocol/stub.ts";
import { LATEST_EVENTS, PAGE_MAX_EVENTS, PEOPLE_SHOWN, PROTOCOL_VERSION } from "../../protocol/limits.ts";
import { ABNORMAL_CLOSURE, type Transport } from "../../transport/transport.ts";
import { PEOPLE_MAX, REFUSED_PAUSE_MS, TAB_RECENT_MAX_EVENTS } from "../ports/session_limits.ts";
import type { TabMessage } from "./tab_messages.ts";

export interface TabRelayDeps {
  clock: Clock;
  post(message: TabMessage): void;
  /** Another tab asks whether the connection is alive. */
  onSuspect(): void;
}

/** The connection since `welcome`. */
interface Live {
  transport: Transport;
  welcome: ServerFrame<"welcome">;
  people: Map<AuthorKey, string>;
  count: number;
  /** Sent events without an answer. */
  inFlight: Set<EventId>;
  /** The channel that waits for a page of history; `channelId` is absent for this tab itself. */
  asking: { channelId?: string } | undefined;
}

/** The newest events of the log, the first one at `from`. */
interface RecentEvents {
  epoch: string;
  from: number;
  events: LogEntry[];
}

/** Channels at a time; beyond it the oldest is closed. */
const CHANNELS_MAX = 20;

export class TabRelay {
  readonly #deps: TabRelayDeps;
  /** Whether each channelId has been welcomed. */
  readonly #channels = new Map<string, "greeted" | "live">();
  /** Undefined while this tab is not connected. */
  #live: Live | undefined;
  /** Outlives a connection: the next one may continue it. */
  #recent: RecentEvents | undefined;

  constructor(deps: TabRelayDeps) {
    this.#deps = deps;
  }

  /** Handles a message of a follower. */
  hear(message: TabMessage): void {
    switch (message.type) {
      case "open": {
        // Not connected: the follower tries again when this tab is `ready`.
        if (this.#live === undefined) return this.#closeChannel(message.channelId, ABNORMAL_CLOSURE);
        const [oldest] = this.#channels.keys();
        if (this.#channels.size >= CHANNELS_MAX && oldest !== undefined) this.#closeChannel(oldest, ABNORMAL_CLOSURE);
        this.#channels.set(message.channelId, "greeted");
        // The nonce proves nothing here: every page that can post to this channel holds the device's key.
        const nonce = "A".repeat(22);
        return this.#tell(message.channelId, {
          type: "challenge",
          version: PROTOCOL_VERSION,
          nonce,
          at: this.#deps.clock.now(),
        });
      }
      case "up": {
        const decoded = decodeClientFrame(message.text);
        if (!this.#channels.has(message.channelId) || !decoded.ok) {
          return this.#closeChannel(message.channelId, ABNORMAL_CLOSURE);
        }
        return this.#take(message.channelId, decoded.frame);
      }
      case "closed":
        return void this.#channels.delete(message.channelId);
    }
  }

  /** This tab no longer leads. */
  end(): void {
    for (const channelId of [...this.#channels.keys()]) this.#closeChannel(channelId, ABNORMAL_CLOSURE);
  }

  // ---- from the server ----

  /** Passes a frame of the server on to the followers. False: it answers a follower and not this tab. */
  received(transport: Transport, data: unknown): boolean {
    const decoded = decodeServerFrame(data);
    if (!decoded.ok) return true;
    const { frame } = decoded;
    if (frame.type === "welcome") return this.#welcomed(transport, frame);
    const live = this.#live;
    if (live === undefined || live.transport !== transport) return true;
    switch (frame.type) {
      case "events": {
        const recent = this.#recent!;
        if (frame.from !== recent.from + recent.events.length) return true; // The session of this tab reports the gap.
        recent.events.push(...frame.events);
        const over = recent.events.length - TAB_RECENT_MAX_EVENTS;
        if (over > 0) {
          recent.events.splice(0, over);
          recent.from += over;
        }
        return this.#tellAll(frame);
      }
      case "presence":
        live.count = frame.count;
        for (const author of frame.left) live.people.delete(author);
        for (const { author, name } of frame.joined) {
          if (live.people.size < PEOPLE_MAX || live.people.has(author)) live.people.set(author, name);
        }
        return this.#tellAll(frame);
      case "ack":
        for (const [id] of frame.acks) live.inFlight.delete(id);
        return this.#tellAll(frame);
      case "refused":
        live.inFlight.delete(frame.id);
        return this.#tellAll(frame);
      case "goodbye":
        return this.#tellAll(frame);
      case "page":
        return this.#answered(live, frame);
      case "problem":
        return frame.problem !== "busy" || live.asking === undefined || this.#answered(live, frame);
      default:
        return true;
    }
  }

  #welcomed(transport: Transport, welcome: ServerFrame<"welcome">): true {
    const { epoch, from } = welcome;
    const recent = this.#recent;
    const goesOn = recent?.epoch === epoch && recent.from + recent.events.length === from;
    if (!goesOn) this.#recent = { epoch, from, events: [] };
    this.#live = {
      transport,
      welcome,
      people: new Map(welcome.people.shown.map(({ author, name }) => [author, name])),
      count: welcome.people.count,
      inFlight: new Set(),
      asking: undefined,
    };
    this.#deps.post({ type: "ready" });
    return true;
  }

  /** Delivers a page of history to the tab that asked. */
  #answered(live: Live, frame: ServerFrame): boolean {
    const channelId = live.asking?.channelId;
    live.asking = undefined;
    if (channelId === undefined) return true;
    this.#tell(channelId, frame);
    return false;
  }

  /** This tab's transport is over. */
  lost(transport: Transport, code: number): void {
    if (this.#live?.transport !== transport) return;
    this.#live = undefined;
    for (const name of [...this.#channels.keys()]) this.#closeChannel(name, code);
  }

  // ---- from this tab and the others ----

  /** This tab sends a frame over its transport. */
  send(transport: Transport, text: string): boolean {
    const live = this.#live;
    if (live?.transport !== transport) return transport.send(text);
    const decoded = decodeClientFrame(text);
    if (!decoded.ok) return transport.send(text);
    const { frame } = decoded;
    switch (frame.type) {
      case "send":
        return this.#sendOnce(live, frame);
      case "history":
        // The session requests it again.
        if (live.asking !== undefined || !transport.send(text)) return false;
        live.asking = {};
        return true;
      default:
        return transport.send(text);
    }
  }

  #take(name: string, frame: ClientFrame): void {
    const live = this.#live;
    if (live === undefined) return this.#closeChannel(name, ABNORMAL_CLOSURE);
    if (frame.type === "hello") return this.#welcome(name, live, frame.resume);
    if (this.#channels.get(name) !== "live") return this.#closeChannel(name, ABNORMAL_CLOSURE);
    switch (frame.type) {
      case "ping":
        // Answered here. If the connection is dead, its end is reported.
        this.#deps.onSuspect();
        return this.#tell(name, { type: "pong", at: this.#deps.clock.now() });
      case "send":
        // The follower sends again when the transport has room.
        if (!this.#sendOnce(live, frame)) this.#closeChannel(name, ABNORMAL_CLOSURE);
        return;
      case "history":
        if (live.asking !== undefined || !live.transport.send(JSON.stringify(frame))) {
          return this.#tell(name, { type: "problem", problem: "busy", retryAfterMs: REFUSED_PAUSE_MS });
        }
        live.asking = { channelId: name };
    }
  }

  /** Sends the events that are not in flight; every tab gets the answer. False: the transport rejected the frame. */
  #sendOnce(live: Live, { events }: ClientFrame<"send">): boolean {
    const fresh = events.map((wire) => ({ wire, id: eventIdOf(wire[0]) })).filter(({ id }) => !live.inFlight.has(id));
    if (fresh.length === 0) return true;
    const frame: ClientFrame<"send"> = { type: "send", events: fresh.map(({ wire }) => wire) };
    if (!live.transport.send(JSON.stringify(frame))) return false;
    for (const { id } of fresh) live.inFlight.add(id);
    return true;
  }

  // ---- to the followers ----

  /** Welcomes a follower by [SYNC-1] to [SYNC-3], from what this tab received. */
  #welcome(name: string, { welcome, people, count }: Live, resume: LogPosition | undefined): void {
    const recent = this.#recent!;
    const next = recent.from + recent.events.length;
    const resumes = resume?.epoch === welcome.epoch && resume.position >= recent.from - 1 && resume.position < next;
    const isLatest = welcome.mode === "latest" || recent.events.length >= LATEST_EVENTS ||
      recent.from <= welcome.oldest;
    if (!resumes && !isLatest) {
      this.#channels.delete(name);
      return this.#deps.post({ type: "alone", channelId: name });
    }
    const from = resumes ? resume.position + 1 : Math.max(recent.from, next - LATEST_EVENTS);
    const everybody = [...people].map(([author, name]) => ({ author, name }));
    this.#channels.set(name, "live");
    this.#tell(name, {
      ...welcome,
      head: next - 1,
      mode: resumes ? "resume" : "latest",
      from,
      people: { count, shown: everybody.slice(0, PEOPLE_SHOWN) },
      at: this.#deps.clock.now(),
    });
    for (let at = PEOPLE_SHOWN; at < everybody.length; at += PEOPLE_SHOWN) {
      this.#tell(name, { type: "presence", count, joined: everybody.slice(at, at + PEOPLE_SHOWN), left: [] });
    }
    for (let at = from; at < next; at += PAGE_MAX_EVENTS) {
      const events = recent.events.slice(at - recent.from, at - recent.from + PAGE_MAX_EVENTS);
      this.#tell(name, { type: "events", from: at, events });
    }
  }

  #tell(channelId: string, frame: ServerFrame): void {
    this.#deps.post({ type: "down", channelId, text: JSON.stringify(frame) });
  }

  #tellAll(frame: ServerFrame): true {
    for (const [name, state] of this.#channels) if (state === "live") this.#tell(name, frame);
    return true;
  }

  #closeChannel(channelId: string, code: number): void {
    this.#channels.delete(channelId);
    this.#deps.post({ type: "closed", channelId, code });
  }
}
