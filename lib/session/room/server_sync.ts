/**
 * The side of a session that faces the server: how a connection begins, where each frame goes, and whether the page shows all
 * that the server has.
 */
import type { RoomId } from "../../protocol/event.ts";
import type { HelloFrame, LogPosition, WelcomeFrame } from "../../protocol/frames.ts";
import { type RoomFrame, ServerConnection, type ServerConnectionDeps } from "../connection/server_connection.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { REFUSED_PAUSE_MS } from "../ports/session_limits.ts";
import { LiveCheck } from "../connection/live_check.ts";
import type { ReplicaMerger } from "../replica/replica_merger.ts";
import type { ReplicaReader } from "../replica/replica_reader.ts";
import type { RelayedEvents } from "../replica/relayed_events.ts";
import type { SessionMesh } from "../ports/mesh_host.ts";
import { HistoryRequests } from "../replica/history_requests.ts";
import type { ReadCursorStore } from "../replica/read_cursor_store.ts";
import type { ReadCursor } from "../replica/read_cursor.ts";
import type { RoomClock } from "./room_clock.ts";
import type { EventVerifier } from "../replica/event_verifier.ts";
import type { RoomState } from "./room_state.ts";
import { signHello } from "../connection/room_hello.ts";
import type { ConnectionState } from "../model/room_model.ts";
import type { RoomPeople } from "./room_people.ts";
import type { RoomCommands } from "./room_commands.ts";

export interface ServerSyncDeps
  extends
    Pick<ServerConnectionDeps, "clock" | "steady" | "timers" | "random" | "online" | "openTransport" | "log">,
    Pick<SessionDeps, "meter" | "onNotices" | "onCleared"> {
  room: RoomId;
  roomClock: RoomClock;
  writer: RoomCommands;
  gate: EventVerifier;
  reader: ReplicaReader;
  merger: ReplicaMerger;
  people: RoomPeople;
  relayed: RelayedEvents;
  readCursor: ReadCursor;
  readCursorStore: ReadCursorStore;
  /** Resolves when the device's storage has answered. */
  ready(): Promise<void>;
  /** Undefined until then: no connection gets further than to the challenge before. */
  ground(): RoomState | undefined;
  /** Undefined while there is none. */
  mesh(): SessionMesh | undefined;
  onState(state: ConnectionState): void;
  /** What is shown of the room has changed. */
  onChange(): void;
}

export class ServerSync {
  readonly connection: ServerConnection;
  readonly #deps: ServerSyncDeps;
  readonly #older: HistoryRequests;
  readonly #live: LiveCheck;
  /** What the last hello asked to resume from. */
  #asked: LogPosition | undefined;
  /** How far the server's clock is ahead of the device's, as the last welcome said. */
  #aheadMs = 0;
  #cleared = 0;

  constructor(deps: ServerSyncDeps) {
    this.#deps = deps;
    const { reader, timers, meter, onChange } = deps;
    const connection = this.connection = new ServerConnection({
      ...deps,
      onRoundTrip: (ms) => meter?.roundTrip(ms),
      hello: (nonce) => this.#hello(nonce),
      onWelcome: (frame) => this.#welcomed(frame),
      onFrame: (frame) => this.#received(frame),
      onPong: () => void this.#live.answered(),
      onState: (state) => this.#stateChanged(state),
    });
    this.#older = new HistoryRequests({ timers, reader, connection });
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
    this.#live.suspect();
    this.connection.wake();
  }

  /** Somebody wants to see what is above. */
  loadOlder(): void {
    this.#deps.reader.wantOlder();
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
    const { ready, room, writer, reader } = this.#deps;
    await ready();
    const ground = this.#deps.ground();
    if (ground === undefined) throw new Error("the device's key is not known");
    const hello = await signHello(ground, { room, nonce, name: writer.nameFor(ground.signer.author) });
    const resume = this.#asked = reader.position;
    return { ...hello, at: Math.round(this.#deps.clock.now()), ...(resume && { resume }) };
  }

  #welcomed(frame: WelcomeFrame): boolean {
    const {
      clock,
      roomClock,
      gate,
      reader,
      merger,
      people,
      relayed,
      readCursor,
      readCursorStore,
      onChange,
      onCleared,
    } = this.#deps;
    this.#aheadMs = frame.at - clock.now();
    this.#cleared = frame.cleared ?? 0;
    if (this.#cleared > 0 && reader.epoch !== frame.epoch) merger.clear(this.#cleared);
    if (!reader.welcome(frame, this.#asked)) return false;
    roomClock.see(frame.clock);
    gate.welcome(frame.room);
    people.welcome(frame.people);
    this.#deps.ground()!.outbox.connected(frame);
    relayed.connected();
    readCursor.follow(frame.epoch, frame.head);
    readCursorStore.keepSoon();
    this.#live.welcomed();
    onChange();
    // When the screen says what is still offered: files go by that.
    if (this.#cleared > 0) onCleared?.(frame.epoch);
    this.#older.request();
    return true;
  }

  #received(frame: RoomFrame): boolean {
    const { reader, relayed, people, mesh, onNotices, log } = this.#deps;
    const { outbox } = this.#deps.ground()!;
    switch (frame.type) {
      case "events":
        return reader.take(frame);
      case "page":
        return reader.takePage(frame);
      case "ack":
        outbox.stored(frame.acks.map(([id]) => id));
        // What the log has not brought yet, it will: until then it is new.
        relayed.acked(frame.acks.filter(([, at]) => at <= (reader.position?.position ?? 0)).map(([id]) => id));
        return true;
      case "refused":
        outbox.refused(frame);
        relayed.refused(frame.id, frame.reason, frame.retryAfterMs, frame.expectedN);
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
      this.#live.suspect();
      this.#deps.ground()?.outbox.disconnected();
      this.#deps.relayed.disconnected();
    }
    this.#deps.onState(state);
  }
}
