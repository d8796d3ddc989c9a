/**
 * One connection per room and device. Of all tabs with the room open, one leads and holds the transport to the server;
 * the others follow and connect through it (tab_relay.ts). When the leader is closed, the next tab leads; when it
 * sleeps, a visible tab takes over. Where tabs cannot elect a leader, each has its own connection.
 */
import type { Cancel } from "../../shared/environment.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import {
  ABNORMAL_CLOSURE,
  lazyTransport,
  type OpenTransport,
  type Transport,
  type TransportEvents,
} from "../../transport/transport.ts";
import type { SessionDeps, TabChannel } from "../ports/session_deps.ts";
import { TAB_PATIENCE_MS, TAB_RECENT_MAX_EVENTS } from "../ports/session_limits.ts";
import { readTabMessage, type TabMessage } from "./tab_messages.ts";
import type { TabRelay } from "./tab_relay.ts";

/** The election of the leading tab: a lock that one tab holds (Web Locks). */
export interface TabElection {
  /** Stands for election until cancelled. `onResult` reports first whether this tab leads, and then each change. */
  run(onResult: (leads: boolean) => void): Cancel;
  /** Takes the lead from another tab. */
  take(): void;
}

export interface TabConnectionDeps extends Pick<SessionDeps, "clock" | "timers" | "random"> {
  /** The tab's own transports to the server. */
  open: OpenTransport;
  channel: TabChannel<TabMessage>;
  election: TabElection;
  /** Loads the code that serves other tabs. */
  loadRelay(): Promise<typeof TabRelay>;
  /** Whether this tab is visible. */
  visible(): boolean;
  /** The connection should open again now: its route changed, or the leader is ready. */
  onChange(): void;
  /** Another tab suspects that the connection of this one is dead. */
  onSuspect(): void;
}

type Role = "undecided" | "leads" | "follows" | "alone";

/** A promise with its resolver. `Promise.withResolvers` came with Safari 17.4. */
function decision(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}

export class TabConnection {
  readonly #deps: TabConnectionDeps;
  /** Loaded for the first follower: most people open a room once. */
  #relay: TabRelay | undefined;
  #loading: Promise<void> | undefined;
  /** Frames of the server since `challenge`, for a relay that is loaded later; undefined when there were too many. */
  #frames: { transport: Transport; frames: unknown[] } | undefined;
  readonly #stopListening: Cancel;
  #role: Role = "undecided";
  #decided = decision();
  #cancelElection: Cancel | undefined;
  /** The current transport, to be closed when the role changes. */
  #current: { end: () => void; close: () => void } | undefined;
  #followed: { channelId: string; hear: (message: TabMessage) => void } | undefined;

  constructor(deps: TabConnectionDeps) {
    this.#deps = deps;
    this.#stopListening = deps.channel.listen((data) => {
      const message = readTabMessage(data);
      if (message !== undefined) this.#hear(message);
    });
  }

  /** Whether this tab is connected through another one. */
  get follows(): boolean {
    return this.#role === "follows";
  }

  /** Opens the transport of this tab's role. */
  readonly open: OpenTransport = (events) => {
    this.#cancelElection ??= this.#deps.election.run((leads) => this.#elected(leads));
    let over = false;
    const close = () => {
      over = true;
      transport.close();
    };
    const end = () => {
      if (over) return;
      close();
      events.closed(ABNORMAL_CLOSURE);
    };
    const guarded: TransportEvents = {
      opened: () => over || events.opened(),
      received: (data) => over || events.received(data),
      closed: (code) => {
        if (over) return;
        over = true;
        events.closed(code);
      },
    };
    const transport: Transport = this.#role === "undecided"
      ? lazyTransport(() => this.#decided.promise.then(() => this.#openForRole()), guarded)
      : this.#openForRole()(guarded);
    this.#current = { end, close };
    return { send: (text) => !over && transport.send(text), close };
  };

  /** This tab chooses the transport: it takes the lead. */
  lead(): void {
    if (this.#role === "follows") this.#deps.election.take();
  }

  /**
   * The page is left, perhaps for good: another tab may lead. A page that is shown again finds a transport that rejects
   * frames, opens another one, and stands for election again.
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

  #openForRole(): OpenTransport {
    if (this.#role === "follows") return (events) => this.#follow(events);
    return this.#role === "leads" ? (events) => this.#lead(events) : this.#deps.open;
  }

  #elected(leads: boolean): void {
    const before = this.#role;
    if (before === "alone" && !leads) return;
    if (before === "leads" && !leads) this.#relay?.end();
    this.#become(leads ? "leads" : "follows");
    // Transports opened before the first result wait for it.
    if (before === "undecided") return;
    this.#current?.end();
    this.#deps.onChange();
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
        if (this.#role === "follows" && followed === undefined) this.#deps.onChange();
        return;
      case "open":
      case "up":
        if (this.#role === "leads") void this.#withRelay((relay) => relay.hear(message));
        return;
      case "closed":
        if (this.#role === "leads") return this.#relay?.hear(message);
        if (followed?.channelId === message.channelId) followed.hear(message);
        return;
      case "down":
      case "alone":
        if (followed?.channelId === message.channelId) followed.hear(message);
    }
  }

  /** The tab's own transport; other tabs receive its frames too. */
  #lead(events: TransportEvents): Transport {
    const transport: Transport = this.#deps.open({
      opened: () => events.opened(),
      received: (data) => {
        if (this.#relay === undefined) {
          if (this.#frames?.transport === transport && this.#frames.frames.push(data) > TAB_RECENT_MAX_EVENTS) {
            this.#frames = undefined;
          }
        } else if (!this.#relay.received(transport, data)) return;
        events.received(data);
      },
      closed: (code) => {
        this.#relay?.lost(transport, code);
        events.closed(code);
      },
    });
    this.#frames = { transport, frames: [] };
    return {
      send: (text) => this.#relay?.send(transport, text) ?? transport.send(text),
      close: () => {
        this.#relay?.lost(transport, ABNORMAL_CLOSURE);
        transport.close();
      },
    };
  }

  async #withRelay(run: (relay: TabRelay) => void): Promise<void> {
    if (this.#relay === undefined) {
      try {
        await (this.#loading ??= this.#loadRelay());
      } catch {
        // The code did not load: the next follower loads it again, and this one takes the lead.
        this.#loading = undefined;
        return;
      }
    }
    if (this.#relay !== undefined && this.#role === "leads") run(this.#relay);
  }

  async #loadRelay(): Promise<void> {
    const { clock, channel, loadRelay } = this.#deps;
    const relay = this.#relay = new (await loadRelay())({
      clock,
      post: (message) => channel.tell(message),
      onSuspect: () => this.#deps.onSuspect(),
    });
    const kept = this.#frames;
    this.#frames = undefined;
    if (this.#role !== "leads") return;
    if (kept !== undefined) {
      for (const frame of kept.frames) relay.received(kept.transport, frame);
    } else {
      // Too many frames to keep: a new connection begins with the relay.
      this.#current?.end();
      this.#deps.onChange();
    }
  }

  /** A connection through the leader. */
  #follow(events: TransportEvents): Transport {
    const { channel, timers, random } = this.#deps;
    const channelId = toBase64Url(random.bytes(9));
    const end = (): boolean => {
      cancelPatience();
      if (this.#followed?.channelId !== channelId) return false;
      this.#followed = undefined;
      return true;
    };
    const cancelPatience = timers.after(TAB_PATIENCE_MS, () => {
      if (!end()) return;
      // The leader sleeps or is gone. A hidden tab has no reason to lead.
      if (this.#deps.visible()) this.#deps.election.take();
      events.closed(ABNORMAL_CLOSURE);
    });
    this.#followed = {
      channelId,
      hear: (message) => {
        cancelPatience();
        if (message.type === "down") return events.received(message.text);
        if (!end()) return;
        if (message.type === "alone") this.#become("alone");
        events.closed(message.type === "closed" ? message.code : ABNORMAL_CLOSURE);
        if (message.type === "alone") this.#deps.onChange();
      },
    };
    channel.tell({ type: "open", channelId });
    return {
      send: (text) => {
        if (this.#followed?.channelId !== channelId) return false;
        channel.tell({ type: "up", channelId, text });
        return true;
      },
      close: () => {
        if (end()) channel.tell({ type: "closed", channelId, code: ABNORMAL_CLOSURE });
      },
    };
  }
}
