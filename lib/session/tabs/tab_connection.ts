/**
 * One connection per room and device: of all tabs that have the room open, one leads and holds the transport to the server; the
 * others follow and come through it (tab_relay.ts). When the leader goes, the next one takes its place; when it sleeps, a
 * tab that somebody looks at takes it. Where tabs cannot elect a leader, each has a connection of its own.
 */
import type { Cancel, Clock, Random, Timers } from "../../shared/environment.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { lazyTransport, type OpenTransport, type Transport, type TransportEvents } from "../../transport/transport.ts";

import { TAB_PATIENCE_MS, TAB_RECENT_MAX_EVENTS } from "../ports/session_limits.ts";
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

export interface TabConnectionDeps {
  clock: Clock;
  timers: Timers;
  random: Random;
  /** The tab's own transports to the server. */
  open: OpenTransport;
  channel: TabChannelOf<TabMessage>;
  election: TabElection;
  /** Loads the code that serves other tabs. */
  loadRelay(): Promise<typeof TabRelay>;
  /** Whether somebody looks at this tab. */
  visible(): boolean;
  /** The connection should open now: it was closed to be opened elsewhere, or what it waited for is there. */
  onChange(): void;
  /** Another tab doubts the connection of this one. */
  onSuspect(): void;
}

type Role = "undecided" | "leads" | "follows" | "alone";

const BROKEN = 1006;

/** A promise that its holder resolves. `Promise.withResolvers` came with Safari 17.4. */
function decision(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}

export class TabConnection {
  readonly #deps: TabConnectionDeps;
  /** Loaded when the first follower comes: most people have a room open once. */
  #relay: TabRelay | undefined;
  #loading: Promise<void> | undefined;
  /** What the server said since `challenge`, for a relay that comes later; undefined when it was too much to keep. */
  #said: { transport: Transport; frames: unknown[] } | undefined;
  readonly #stopListening: Cancel;
  #role: Role = "undecided";
  #decided = decision();
  #cancelElection: Cancel | undefined;
  /** What the connection uses now, to be closed when the role changes. */
  #current: { end: () => void; close: () => void } | undefined;
  #followed: { channelId: string; hear: (message: TabMessage) => void } | undefined;

  constructor(deps: TabConnectionDeps) {
    this.#deps = deps;
    this.#stopListening = deps.channel.listen((data) => {
      const message = readTabMessage(data);
      if (message !== undefined) this.#hear(message);
    });
  }

  /** Whether this tab has a connection through another one. */
  get follows(): boolean {
    return this.#role === "follows";
  }

  /** Opens the way that this tab's role gives it. */
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
      events.closed(BROKEN);
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
      ? lazyTransport(() => this.#decided.promise.then(() => this.#way()), guarded)
      : this.#way()(guarded);
    this.#current = { end, close };
    return { send: (text) => !over && transport.send(text), close };
  };

  /** This tab wants to say which transport is taken: it takes the leader's place. */
  lead(): void {
    if (this.#role === "follows") this.#deps.election.take();
  }

  /**
   * The page is left, perhaps for good: another tab may lead. A page that comes back finds a transport that takes nothing, opens
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

  #way(): OpenTransport {
    switch (this.#role) {
      case "follows":
        return (events) => this.#follow(events);
      case "leads":
        return (events) => this.#lead(events);
      default:
        return this.#deps.open;
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

  /** The tab's own transport, heard by the others. */
  #lead(events: TransportEvents): Transport {
    const transport: Transport = this.#deps.open({
      opened: () => events.opened(),
      received: (data) => {
        if (this.#relay === undefined) {
          if (this.#said?.transport === transport && this.#said.frames.push(data) > TAB_RECENT_MAX_EVENTS) {
            this.#said = undefined;
          }
        } else if (!this.#relay.received(transport, data)) return;
        events.received(data);
      },
      closed: (code) => {
        this.#relay?.lost(transport, code);
        events.closed(code);
      },
    });
    this.#said = { transport, frames: [] };
    return {
      send: (text) => this.#relay?.send(transport, text) ?? transport.send(text),
      close: () => {
        this.#relay?.lost(transport, BROKEN);
        transport.close();
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
    const { clock, channel, loadRelay } = this.#deps;
    const relay = this.#relay = new (await loadRelay())({
      clock,
      post: (message) => channel.post(message),
      onSuspect: () => this.#deps.onSuspect(),
    });
    const said = this.#said;
    this.#said = undefined;
    if (this.#role !== "leads") return;
    if (said !== undefined) {
      for (const frame of said.frames) relay.received(said.transport, frame);
    } else {
      // More was said than is kept: the next connection begins with a relay.
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
      // It sleeps, or has gone without a word. A tab that sleeps itself has no reason to lead.
      if (this.#deps.visible()) this.#deps.election.take();
      events.closed(BROKEN);
    });
    this.#followed = {
      channelId,
      hear: (message) => {
        cancelPatience();
        if (message.type === "down") return events.received(message.text);
        if (!end()) return;
        if (message.type === "alone") this.#become("alone");
        events.closed(message.type === "closed" ? message.code : BROKEN);
        if (message.type === "alone") this.#deps.onChange();
      },
    };
    channel.post({ type: "open", channelId });
    return {
      send: (text) => {
        if (this.#followed?.channelId !== channelId) return false;
        channel.post({ type: "up", channelId, text });
        return true;
      },
      close: () => {
        if (end()) channel.post({ type: "closed", channelId, code: BROKEN });
      },
    };
  }
}
