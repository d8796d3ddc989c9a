/**
 * The leader's side of one connection for all tabs of a device: it listens to the frames of its own tab's road, and speaks
 * to the other tabs as the server would. Events are sent to the server once, whichever tab sends them first, and every tab
 * hears the answer.
 */
import { decodeClientFrame } from "../protocol/decode_client.ts";
import { decodeServerFrame } from "../protocol/decode_server.ts";
import { type AuthorKey, type EventId, eventIdOf, type WireEvent } from "../protocol/event.ts";
import type { ClientFrame, LogPosition, SendFrame, ServerFrame, WelcomeFrame } from "../protocol/frames.ts";
import { LATEST_EVENTS, PAGE_MAX_EVENTS, PEOPLE_SHOWN, PROTOCOL_VERSION } from "../protocol/limits.ts";
import type { Road } from "../transport/road.ts";
import type { Clock } from "./deps.ts";
import { PEOPLE_MAX, REFUSED_PAUSE_MS, TAB_TAIL_MAX_EVENTS } from "./limits.ts";
import type { TabMessage } from "./tab_messages.ts";

export interface TabRelayParts {
  clock: Clock;
  post(message: TabMessage): void;
  /** Another tab wants to know whether the connection is true. */
  onDoubt(): void;
}

/** What the server said since `welcome`, and what it owes. */
interface Live {
  road: Road;
  welcome: WelcomeFrame;
  people: Map<AuthorKey, string>;
  count: number;
  /** Events that were sent and have no answer yet. */
  inFlight: Set<EventId>;
  /** Who waits for a page of history; `line` is absent for this tab itself. */
  asking: { line?: string } | undefined;
}

/** The newest events of the log, the first one at `from`. */
interface Tail {
  epoch: string;
  from: number;
  events: WireEvent[];
}

/** Lines at a time; a device with more tabs of one room lets the oldest go. */
const LINES_MAX = 20;
/** RFC 6455 section 7.4.1: ended without a word. */
const BROKEN = 1006;

export class TabRelay {
  readonly #parts: TabRelayParts;
  /** Whether each line has been welcomed. */
  readonly #lines = new Map<string, "greeted" | "live">();
  /** Undefined while this tab is not connected. */
  #live: Live | undefined;
  /** Outlives a connection: the next one may go on where it ends. */
  #tail: Tail | undefined;

  constructor(parts: TabRelayParts) {
    this.#parts = parts;
  }

  /** A follower said something. */
  hear(message: TabMessage): void {
    switch (message.type) {
      case "open": {
        // Nothing to offer: the follower comes back when this tab is `ready`.
        if (this.#live === undefined) return this.#closeLine(message.line, BROKEN);
        const [oldest] = this.#lines.keys();
        if (this.#lines.size >= LINES_MAX && oldest !== undefined) this.#closeLine(oldest, BROKEN);
        this.#lines.set(message.line, "greeted");
        // The nonce proves nothing here: whoever can post to this channel holds the device's key anyway.
        const nonce = "A".repeat(22);
        return this.#tell(message.line, {
          type: "challenge",
          version: PROTOCOL_VERSION,
          nonce,
          at: this.#parts.clock.now(),
        });
      }
      case "up": {
        const decoded = decodeClientFrame(message.text);
        if (!this.#lines.has(message.line) || !decoded.ok) return this.#closeLine(message.line, BROKEN);
        return this.#take(message.line, decoded.frame);
      }
      case "closed":
        return void this.#lines.delete(message.line);
    }
  }

  /** This tab leads no more. */
  end(): void {
    for (const line of [...this.#lines.keys()]) this.#closeLine(line, BROKEN);
  }

  // ---- from the server ----

  /** A frame came over this tab's road: tells the followers; false when it answers one of them and not this tab. */
  received(road: Road, data: unknown): boolean {
    const decoded = decodeServerFrame(data);
    if (!decoded.ok) return true;
    const { frame } = decoded;
    if (frame.type === "welcome") return this.#welcomed(road, frame);
    const live = this.#live;
    if (live === undefined || live.road !== road) return true;
    switch (frame.type) {
      case "events": {
        const tail = this.#tail!;
        if (frame.from !== tail.from + tail.events.length) return true; // This tab's session will say so.
        tail.events.push(...frame.events);
        const over = tail.events.length - TAB_TAIL_MAX_EVENTS;
        if (over > 0) {
          tail.events.splice(0, over);
          tail.from += over;
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

  #welcomed(road: Road, welcome: WelcomeFrame): true {
    const { epoch, from } = welcome;
    const tail = this.#tail;
    const goesOn = tail?.epoch === epoch && tail.from + tail.events.length === from;
    if (!goesOn) this.#tail = { epoch, from, events: [] };
    this.#live = {
      road,
      welcome,
      people: new Map(welcome.people.shown.map(({ author, name }) => [author, name])),
      count: welcome.people.count,
      inFlight: new Set(),
      asking: undefined,
    };
    this.#parts.post({ type: "ready" });
    return true;
  }

  /** The answer to a request for history goes to whoever asked. */
  #answered(live: Live, frame: ServerFrame): boolean {
    const line = live.asking?.line;
    live.asking = undefined;
    if (line === undefined) return true;
    this.#tell(line, frame);
    return false;
  }

  /** This tab's road is over. */
  lost(road: Road, code: number): void {
    if (this.#live?.road !== road) return;
    this.#live = undefined;
    for (const name of [...this.#lines.keys()]) this.#closeLine(name, code);
  }

  // ---- from this tab and the others ----

  /** This tab sends a frame over its road. */
  send(road: Road, text: string): boolean {
    const live = this.#live;
    if (live?.road !== road) return road.send(text);
    const decoded = decodeClientFrame(text);
    if (!decoded.ok) return road.send(text);
    const { frame } = decoded;
    switch (frame.type) {
      case "send":
        return this.#sendOnce(live, frame);
      case "history":
        // Not taken: the session asks again.
        if (live.asking !== undefined || !road.send(text)) return false;
        live.asking = {};
        return true;
      default:
        return road.send(text);
    }
  }

  #take(name: string, frame: ClientFrame): void {
    const live = this.#live;
    if (live === undefined) return this.#closeLine(name, BROKEN);
    if (frame.type === "hello") return this.#welcome(name, live, frame.resume);
    if (this.#lines.get(name) !== "live") return this.#closeLine(name, BROKEN);
    switch (frame.type) {
      case "ping":
        // Answered here; should the connection be dead, its end will be told.
        this.#parts.onDoubt();
        return this.#tell(name, { type: "pong", at: this.#parts.clock.now() });
      case "send":
        // A road that is full takes it when the follower sends again.
        if (!this.#sendOnce(live, frame)) this.#closeLine(name, BROKEN);
        return;
      case "history":
        if (live.asking !== undefined || !live.road.send(JSON.stringify(frame))) {
          return this.#tell(name, { type: "problem", problem: "busy", retryAfterMs: REFUSED_PAUSE_MS });
        }
        live.asking = { line: name };
    }
  }

  /** Sends what is not under way already: its answer goes to every tab. False: the road took it not. */
  #sendOnce(live: Live, { events }: SendFrame): boolean {
    const fresh = events.map((wire) => ({ wire, id: eventIdOf(wire[0]) })).filter(({ id }) => !live.inFlight.has(id));
    if (fresh.length === 0) return true;
    const frame: SendFrame = { type: "send", events: fresh.map(({ wire }) => wire) };
    if (!live.road.send(JSON.stringify(frame))) return false;
    for (const { id } of fresh) live.inFlight.add(id);
    return true;
  }

  // ---- to the followers ----

  /** As [SYNC-1] to [SYNC-3] say, from what came over this tab's connection. */
  #welcome(name: string, { welcome, people, count }: Live, resume: LogPosition | undefined): void {
    const tail = this.#tail!;
    const next = tail.from + tail.events.length;
    const resumes = resume?.epoch === welcome.epoch && resume.position >= tail.from - 1 && resume.position < next;
    const isLatest = welcome.mode === "latest" || tail.events.length >= LATEST_EVENTS || tail.from <= welcome.oldest;
    if (!resumes && !isLatest) {
      this.#lines.delete(name);
      return this.#parts.post({ type: "alone", line: name });
    }
    const from = resumes ? resume.position + 1 : Math.max(tail.from, next - LATEST_EVENTS);
    const everybody = [...people].map(([author, name]) => ({ author, name }));
    this.#lines.set(name, "live");
    this.#tell(name, {
      ...welcome,
      head: next - 1,
      mode: resumes ? "resume" : "latest",
      from,
      people: { count, shown: everybody.slice(0, PEOPLE_SHOWN) },
      at: this.#parts.clock.now(),
    });
    for (let at = PEOPLE_SHOWN; at < everybody.length; at += PEOPLE_SHOWN) {
      this.#tell(name, { type: "presence", count, joined: everybody.slice(at, at + PEOPLE_SHOWN), left: [] });
    }
    for (let at = from; at < next; at += PAGE_MAX_EVENTS) {
      const events = tail.events.slice(at - tail.from, at - tail.from + PAGE_MAX_EVENTS);
      this.#tell(name, { type: "events", from: at, events });
    }
  }

  #tell(line: string, frame: ServerFrame): void {
    this.#parts.post({ type: "down", line, text: JSON.stringify(frame) });
  }

  #tellAll(frame: ServerFrame): true {
    for (const [name, state] of this.#lines) if (state === "live") this.#tell(name, frame);
    return true;
  }

  #closeLine(line: string, code: number): void {
    this.#lines.delete(line);
    this.#parts.post({ type: "closed", line, code });
  }
}
