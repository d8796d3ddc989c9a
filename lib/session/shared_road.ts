/**
 * One connection per room and device: of all tabs that have the room open, one leads and holds the road to the server; the
 * others follow and come through it (tab_relay.ts). When the leader goes, the next one takes its place; when it sleeps, a
 * tab that somebody looks at takes it. Where tabs cannot elect a leader, each has a connection of its own.
 */
import { toBase64Url } from "../protocol/base64url.ts";
import { lazyRoad, type OpenRoad, type Road, type RoadEvents } from "../transport/road.ts";
import type { Cancel, Clock, Random, Timers } from "./deps.ts";
import { TAB_PATIENCE_MS, TAB_TAIL_MAX_EVENTS } from "./limits.ts";
import { readTabMessage, type TabChannelOf, type TabMessage } from "./tab_messages.ts";
import type { TabRelay } from "./tab_relay.ts";

/** Which tab leads, as a lock that one of them holds (Web Locks). */
export interface TabElection {
  /**
   * Stands for election until cancelled. `onResult` tells first whether this tab leads, and then each change: it became the
   * leader, or another one took its place.
   */
  run(onResult: (leads: boolean) => void): Cancel;
  /** Becomes the leader although another tab is. */
  take(): void;
}

export interface SharedRoadParts {
  clock: Clock;
  timers: Timers;
  random: Random;
  /** The tab's own roads to the server. */
  open: OpenRoad;
  channel: TabChannelOf<TabMessage>;
  election: TabElection;
  /** Whether somebody looks at this tab. */
  visible(): boolean;
  /** The connection should open now: it was closed to be opened elsewhere, or what it waited for is there. */
  onChange(): void;
  /** Another tab doubts the connection of this one. */
  onDoubt(): void;
}

type Role = "undecided" | "leads" | "follows" | "alone";

const BROKEN = 1006;

/** A promise that its holder resolves. `Promise.withResolvers` came with Safari 17.4. */
function decision(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}

export class SharedRoad {
  readonly #parts: SharedRoadParts;
  /** Loaded when the first follower comes: most people have a room open once. */
  #relay: TabRelay | undefined;
  #loading: Promise<void> | undefined;
  /** What the server said since `challenge`, for a relay that comes later; undefined when it was too much to keep. */
  #said: { road: Road; frames: unknown[] } | undefined;
  readonly #stopListening: Cancel;
  #role: Role = "undecided";
  #decided = decision();
  #cancelElection: Cancel | undefined;
  /** What the connection uses now, to be closed when the role changes. */
  #current: { end: () => void; close: () => void } | undefined;
  #followed: { line: string; hear: (message: TabMessage) => void } | undefined;

  constructor(parts: SharedRoadParts) {
    this.#parts = parts;
    this.#stopListening = parts.channel.listen((data) => {
      const message = readTabMessage(data);
      if (message !== undefined) this.#hear(message);
    });
  }

  /** Whether this tab has a connection through another one. */
  get follows(): boolean {
    return this.#role === "follows";
  }

  /** Opens the way that this tab's role gives it. */
  readonly open: OpenRoad = (events) => {
    this.#cancelElection ??= this.#parts.election.run((leads) => this.#elected(leads));
    let over = false;
    const close = () => {
      over = true;
      road.close();
    };
    const end = () => {
      if (over) return;
      close();
      events.closed(BROKEN);
    };
    const guarded: RoadEvents = {
      opened: () => over || events.opened(),
      received: (data) => over || events.received(data),
      closed: (code) => {
        if (over) return;
        over = true;
        events.closed(code);
      },
    };
    const road: Road = this.#role === "undecided"
      ? lazyRoad(() => this.#decided.promise.then(() => this.#way()), guarded)
      : this.#way()(guarded);
    this.#current = { end, close };
    return { send: (text) => !over && road.send(text), close };
  };

  /** This tab wants to say which road is taken: it takes the leader's place. */
  lead(): void {
    if (this.#role === "follows") this.#parts.election.take();
  }

  /**
   * The page is left, perhaps for good: another tab may lead. A page that comes back finds a road that takes nothing, opens
   * another one, and stands for election anew.
   */
  leave(): void {
    this.#current?.close();
    this.#relay?.end();
    this.#cancelElection?.();
    this.#cancelElection = undefined;
    this.#become("undecided");
  }

  dispose(): void {
    this.leave();
    this.#stopListening();
  }

  #way(): OpenRoad {
    switch (this.#role) {
      case "follows":
        return (events) => this.#follow(events);
      case "leads":
        return (events) => this.#lead(events);
      default:
        return this.#parts.open;
    }
  }

  #elected(leads: boolean): void {
    const before = this.#role;
    if (before === "alone" && !leads) return;
    if (before === "leads" && !leads) this.#relay?.end();
    this.#become(leads ? "leads" : "follows");
    // What was opened before the first result waits for it.
    if (before === "undecided") return;
    this.#current?.end();
    this.#parts.onChange();
  }

  #become(role: Role): void {
    this.#role = role;
    if (role === "undecided") this.#decided = decision();
    else this.#decided.resolve();
  }

  #hear(message: TabMessage): void {
    const followed = this.#followed;
    switch (message.type) {
      case "ready":
        if (this.#role === "follows" && followed === undefined) this.#parts.onChange();
        return;
      case "open":
      case "up":
        if (this.#role === "leads") void this.#withRelay((relay) => relay.hear(message));
        return;
      case "closed":
        if (this.#role === "leads") return this.#relay?.hear(message);
        if (followed?.line === message.line) followed.hear(message);
        return;
      case "down":
      case "alone":
        if (followed?.line === message.line) followed.hear(message);
    }
  }

  /** The tab's own road, heard by the others. */
  #lead(events: RoadEvents): Road {
    const road: Road = this.#parts.open({
      opened: () => events.opened(),
      received: (data) => {
        if (this.#relay === undefined) {
          if (this.#said?.road === road && this.#said.frames.push(data) > TAB_TAIL_MAX_EVENTS) this.#said = undefined;
        } else if (!this.#relay.received(road, data)) return;
        events.received(data);
      },
      closed: (code) => {
        this.#relay?.lost(road, code);
        events.closed(code);
      },
    });
    this.#said = { road, frames: [] };
    return {
      send: (text) => this.#relay?.send(road, text) ?? road.send(text),
      close: () => {
        this.#relay?.lost(road, BROKEN);
        road.close();
      },
    };
  }

  async #withRelay(run: (relay: TabRelay) => void): Promise<void> {
    if (this.#relay === undefined) {
      try {
        await (this.#loading ??= this.#loadRelay());
      } catch {
        // Its code does not come: the next follower asks again, and this one takes the leader's place.
        this.#loading = undefined;
        return;
      }
    }
    if (this.#relay !== undefined && this.#role === "leads") run(this.#relay);
  }

  async #loadRelay(): Promise<void> {
    const { TabRelay } = await import("./on_demand.ts");
    const { clock, channel } = this.#parts;
    const relay = this.#relay = new TabRelay({
      clock,
      post: (message) => channel.post(message),
      onDoubt: () => this.#parts.onDoubt(),
    });
    const said = this.#said;
    this.#said = undefined;
    if (this.#role !== "leads") return;
    if (said !== undefined) {
      for (const frame of said.frames) relay.received(said.road, frame);
    } else {
      // More was said than is kept: the next connection begins with a relay.
      this.#current?.end();
      this.#parts.onChange();
    }
  }

  /** A connection through the leader. */
  #follow(events: RoadEvents): Road {
    const { channel, timers, random } = this.#parts;
    const line = toBase64Url(random.bytes(9));
    const end = (): boolean => {
      cancelPatience();
      if (this.#followed?.line !== line) return false;
      this.#followed = undefined;
      return true;
    };
    const cancelPatience = timers.after(TAB_PATIENCE_MS, () => {
      if (!end()) return;
      // It sleeps, or has gone without a word. A tab that sleeps itself has no reason to lead.
      if (this.#parts.visible()) this.#parts.election.take();
      events.closed(BROKEN);
    });
    this.#followed = {
      line,
      hear: (message) => {
        cancelPatience();
        if (message.type === "down") return events.received(message.text);
        if (!end()) return;
        if (message.type === "alone") this.#become("alone");
        events.closed(message.type === "closed" ? message.code : BROKEN);
        if (message.type === "alone") this.#parts.onChange();
      },
    };
    channel.post({ type: "open", line });
    return {
      send: (text) => {
        if (this.#followed?.line !== line) return false;
        channel.post({ type: "up", line, text });
        return true;
      },
      close: () => {
        if (end()) channel.post({ type: "closed", line, code: BROKEN });
      },
    };
  }
}
