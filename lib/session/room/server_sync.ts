/** How an open room and its server exchange what each lacks: hello, welcome, and the way of each frame. */
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { LogPosition, ServerFrame } from "../../protocol/frames.ts";
import { LiveCheck } from "../connection/live_check.ts";
import { signHello } from "../connection/room_hello.ts";
import type { ConnectedRoom, RoomFrame, ServerConnection } from "../connection/server_connection.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { REFUSED_PAUSE_MS } from "../ports/session_limits.ts";
import type { EventVerifier } from "../replica/event_verifier.ts";
import { HistoryRequests } from "../replica/history_requests.ts";
import type { ReadCursor } from "../replica/read_cursor.ts";
import type { ReadCursorStore } from "../replica/read_cursor_store.ts";
import type { RelayedEvents } from "../replica/relayed_events.ts";
import type { ReplicaMerger } from "../replica/replica_merger.ts";
import type { ReplicaReader } from "../replica/replica_reader.ts";
import type { PeerSync } from "./peer_sync.ts";
import type { RoomClock } from "./room_clock.ts";
import type { RoomCommands } from "./room_commands.ts";
import type { RoomPeople } from "./room_people.ts";
import type { RoomState } from "./room_state.ts";

export interface ServerSyncDeps
  extends
    Pick<SessionDeps, "clock" | "timers" | "onNotices" | "onCleared">,
    Pick<RoomState, "room" | "signer" | "sealer"> {
  connection: ServerConnection;
  roomClock: RoomClock;
  commands: Pick<RoomCommands, "nameFor">;
  verifier: EventVerifier;
  reader: ReplicaReader;
  merger: ReplicaMerger;
  people: RoomPeople;
  outbox: Outbox;
  relayed: RelayedEvents;
  readCursor: ReadCursor;
  readCursorStore: ReadCursorStore;
  peers: PeerSync;
  /** The screen has to change. */
  onChange(): void;
  log(line: string): void;
}

export class ServerSync implements ConnectedRoom {
  readonly #deps: ServerSyncDeps;
  readonly #older: HistoryRequests;
  readonly #live: LiveCheck;
  /** The position that the last hello asked to resume from. */
  #asked: LogPosition | undefined;
  /** How far the server's clock is ahead of the device's, as the last welcome said. */
  #aheadMs = 0;

  constructor(deps: ServerSyncDeps) {
    this.#deps = deps;
    const { reader, timers, connection, onChange } = deps;
    this.#older = new HistoryRequests({ timers, reader, connection });
    this.#live = new LiveCheck({ reader, isConnected: () => connection.live, onHeard: onChange });
  }

  /** The page shows everything that the server has. */
  get upToDate(): boolean {
    return this.#live.upToDate;
  }

  /** The device woke up: until a probe is answered, nobody knows what was missed. */
  suspect(): void {
    this.#live.suspect();
  }

  /** Somebody scrolls up. */
  loadOlder(): void {
    this.#deps.reader.wantOlder();
    this.requestOlder();
  }

  /** Requests older events if they are wanted. */
  requestOlder(): void {
    this.#older.request();
  }

  dispose(): void {
    this.#older.dispose();
  }

  async hello(nonce: string): Promise<ClientFrame<"hello">> {
    const { room, signer, commands, reader, clock } = this.#deps;
    const hello = await signHello(this.#deps, { room, nonce, name: commands.nameFor(signer.author) });
    const resume = this.#asked = reader.position;
    return { ...hello, at: Math.round(clock.now()), ...(resume && { resume }) };
  }

  welcomed(frame: ServerFrame<"welcome">): boolean {
    const {
      clock,
      roomClock,
      verifier,
      reader,
      merger,
      people,
      outbox,
      relayed,
      readCursor,
      readCursorStore,
      peers,
      onChange,
      onCleared,
    } = this.#deps;
    this.#aheadMs = frame.at - clock.now();
    const cleared = peers.cleared = frame.cleared ?? 0;
    peers.membership = frame.membership;
    if (cleared > 0 && reader.epoch !== frame.epoch) merger.clear(cleared);
    if (!reader.welcome(frame, this.#asked)) return false;
    roomClock.see(frame.clock);
    verifier.welcome(frame.room);
    people.welcome(frame.people);
    outbox.connected(frame);
    relayed.connected();
    readCursor.follow(frame.epoch, frame.head);
    readCursorStore.keepSoon();
    this.#live.welcomed();
    onChange();
    // After the screen: files are kept by what it still offers.
    if (cleared > 0) onCleared?.(frame.epoch);
    this.#older.request();
    return true;
  }

  received(frame: RoomFrame): boolean {
    const { reader, outbox, relayed, people, peers, onNotices, log } = this.#deps;
    switch (frame.type) {
      case "events":
        return reader.take(frame);
      case "page":
        return reader.takePage(frame);
      case "ack":
        outbox.stored(frame.acks.map(([id]) => id));
        // The log will deliver later ones, which are new until then.
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
        peers.mesh?.signal(frame);
        return true;
      case "signal_undeliverable":
        peers.mesh?.undeliverable(frame);
        return true;
      case "notices":
        onNotices?.(frame.notices, this.#aheadMs);
        return true;
      case "problem":
        if (frame.problem !== "busy") log(`server: ${frame.problem} ${frame.field}`);
        else if (frame.field === undefined && reader.older === "loading") {
          this.#older.againIn(frame.retryAfterMs ?? REFUSED_PAUSE_MS);
        }
        return true;
    }
  }

  ponged(): void {
    void this.#live.answered();
  }

  disconnected(): void {
    this.#live.suspect();
    this.#deps.outbox.disconnected();
    this.#deps.relayed.disconnected();
  }
}
