/**
 * The side of a session that faces the server: how a connection begins, where each frame goes, and whether the page shows all
 * that the server has.
 */
import type { RoomId } from "../protocol/event.ts";
import type { HelloFrame, LogPosition, WelcomeFrame } from "../protocol/frames.ts";
import { Connection, type ConnectionParts, type RoomFrame } from "./connection.ts";
import type { SessionDeps } from "./deps.ts";
import { REFUSED_PAUSE_MS } from "./limits.ts";
import { LiveCheck } from "./live_check.ts";
import type { LogMerger } from "./log_merger.ts";
import type { LogReader } from "./log_reader.ts";
import type { LooseEvents } from "./loose_events.ts";
import type { SessionMesh } from "./mesh_host.ts";
import { OlderRequests } from "./older_requests.ts";
import type { ReadKeeper } from "./read_keeper.ts";
import type { ReadMarker } from "./read_marker.ts";
import type { RoomClock } from "./room_clock.ts";
import type { RoomGate } from "./room_gate.ts";
import type { Ground } from "./room_ground.ts";
import { signHello } from "./room_hello.ts";
import type { ConnectionState } from "./room_model.ts";
import type { RoomPeople } from "./room_people.ts";
import type { RoomWriter } from "./room_writer.ts";

export interface ServerSideParts
  extends
    Pick<ConnectionParts, "clock" | "steady" | "timers" | "random" | "online" | "openRoad" | "log">,
    Pick<SessionDeps, "meter" | "onNotices" | "onCleared"> {
  room: RoomId;
  roomClock: RoomClock;
  writer: RoomWriter;
  gate: RoomGate;
  reader: LogReader;
  merger: LogMerger;
  people: RoomPeople;
  loose: LooseEvents;
  marker: ReadMarker;
  readKeeper: ReadKeeper;
  /** Resolves when the device's storage has answered. */
  ready(): Promise<void>;
  /** Undefined until then: no connection gets further than to the challenge before. */
  ground(): Ground | undefined;
  /** Undefined while there is none. */
  mesh(): SessionMesh | undefined;
  onState(state: ConnectionState): void;
  /** What is shown of the room has changed. */
  onChange(): void;
}

export class ServerSide {
  readonly connection: Connection;
  readonly #parts: ServerSideParts;
  readonly #older: OlderRequests;
  readonly #live: LiveCheck;
  /** What the last hello asked to resume from. */
  #asked: LogPosition | undefined;
  /** How far the server's clock is ahead of the device's, as the last welcome said. */
  #aheadMs = 0;
  #cleared = 0;

  constructor(parts: ServerSideParts) {
    this.#parts = parts;
    const { reader, timers, meter, onChange } = parts;
    const connection = this.connection = new Connection({
      ...parts,
      onRoundTrip: (ms) => meter?.roundTrip(ms),
      hello: (nonce) => this.#hello(nonce),
      onWelcome: (frame) => this.#welcomed(frame),
      onFrame: (frame) => this.#received(frame),
      onPong: () => void this.#live.answered(),
      onState: (state) => this.#stateChanged(state),
    });
    this.#older = new OlderRequests({ timers, reader, connection });
    this.#live = new LiveCheck({ reader, isConnected: () => connection.live, onHeard: onChange });
  }

  /** What an operator deleted had clocks up to this; 0 when nothing was. */
  get cleared(): number {
    return this.#cleared;
  }

  /** The page shows all that the server has. */
  get upToDate(): boolean {
    return this.#live.upToDate;
  }

  /** The device woke. What came while it slept is read only now: until a probe is answered, nothing counts as live. */
  wake(): void {
    this.#live.doubt();
    this.connection.wake();
  }

  /** Somebody wants to see what is above. */
  loadOlder(): void {
    this.#parts.reader.wantOlder();
    this.requestOlder();
  }

  /** Asks for what is above, if that is wanted. */
  requestOlder(): void {
    this.#older.request();
  }

  dispose(): void {
    this.#older.dispose();
    this.connection.end();
  }

  async #hello(nonce: string): Promise<HelloFrame> {
    const { ready, room, writer, reader } = this.#parts;
    await ready();
    const ground = this.#parts.ground();
    if (ground === undefined) throw new Error("the device's key is not known");
    const hello = await signHello(ground, { room, nonce, name: writer.nameFor(ground.signer.author) });
    const resume = this.#asked = reader.position;
    return { ...hello, at: Math.round(this.#parts.clock.now()), ...(resume && { resume }) };
  }

  #welcomed(frame: WelcomeFrame): boolean {
    const { clock, roomClock, gate, reader, merger, people, loose, marker, readKeeper, onChange, onCleared } =
      this.#parts;
    this.#aheadMs = frame.at - clock.now();
    this.#cleared = frame.cleared ?? 0;
    if (this.#cleared > 0 && reader.epoch !== frame.epoch) merger.clear(this.#cleared);
    if (!reader.welcome(frame, this.#asked)) return false;
    roomClock.see(frame.clock);
    gate.welcome(frame.room);
    people.welcome(frame.people);
    this.#parts.ground()!.outbox.connected(frame);
    loose.connected();
    marker.follow(frame.epoch, frame.head);
    readKeeper.keepSoon();
    this.#live.welcomed();
    onChange();
    // When the screen says what is still offered: files go by that.
    if (this.#cleared > 0) onCleared?.(frame.epoch);
    this.#older.request();
    return true;
  }

  #received(frame: RoomFrame): boolean {
    const { reader, loose, people, mesh, onNotices, log } = this.#parts;
    const { outbox } = this.#parts.ground()!;
    switch (frame.type) {
      case "events":
        return reader.take(frame);
      case "page":
        return reader.takePage(frame);
      case "ack":
        outbox.stored(frame.acks.map(([id]) => id));
        // What the log has not brought yet, it will: until then it is new.
        loose.acked(frame.acks.filter(([, at]) => at <= (reader.position?.position ?? 0)).map(([id]) => id));
        return true;
      case "refused":
        outbox.refused(frame);
        loose.refused(frame.id, frame.reason, frame.retryAfterMs, frame.expectedN);
        return true;
      case "presence":
        people.presence(frame);
        return true;
      case "signal":
        mesh()?.signal(frame);
        return true;
      case "signal_undeliverable":
        mesh()?.undeliverable(frame);
        return true;
      case "notices":
        onNotices?.(frame.notices, this.#aheadMs);
        return true;
      case "problem":
        if (frame.problem !== "busy") log(`the server could not read a frame: ${frame.problem} ${frame.field}`);
        else if (frame.field === undefined && reader.older === "loading") {
          this.#older.againIn(frame.retryAfterMs ?? REFUSED_PAUSE_MS);
        }
        return true;
    }
  }

  #stateChanged(state: ConnectionState): void {
    if (state.state !== "connected") {
      this.#live.doubt();
      this.#parts.ground()?.outbox.disconnected();
      this.#parts.loose.disconnected();
    }
    this.#parts.onState(state);
  }
}
