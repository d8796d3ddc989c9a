/** How an open room and its server exchange what each lacks: hello, welcome, and the way of each frame. */
import type { Cancel } from "../../shared/environment.ts";
import type { ClientFrame } from "../../protocol/client_frames.ts";
import type { LogPosition, ServerFrame } from "../../protocol/frames.ts";
import { signHello } from "../connection/room_hello.ts";
import type { ConnectedRoom, RoomFrame } from "../connection/server_connection.ts";
import { REFUSED_PAUSE_MS } from "../ports/session_limits.ts";
import type { ReadCursorStore } from "../replica/read_cursor_store.ts";
import type { ReplicaMerger } from "../replica/replica_merger.ts";
import type { PeerSync } from "./peer_sync.ts";
import type { RoomParts } from "./room_parts.ts";

interface SyncedRoom extends RoomParts {
  readonly readCursorStore: ReadCursorStore;
  readonly merger: ReplicaMerger;
  readonly peers: PeerSync;
}

export class ServerSync implements ConnectedRoom {
  readonly #room: SyncedRoom;
  /** The position that the last hello asked to resume from. */
  #asked: LogPosition | undefined;
  /** How far the server's clock is ahead of the device's, as the last welcome said. */
  #aheadMs = 0;
  /** No frame of the server is missing, as far as the page knows. After a sleep that is unknown until it answers again. */
  #heard = false;
  /** Counts the events that make `#heard` doubtful. */
  #doubts = 0;
  #cancelRequest: Cancel | undefined;

  constructor(room: SyncedRoom) {
    this.#room = room;
  }

  /** The page shows everything that the server has. */
  get upToDate(): boolean {
    return this.#heard && this.#room.reader.caughtUp;
  }

  /** The device woke up: frames may be missing or still on their way, until a probe is answered. */
  suspect(): void {
    this.#doubts++;
    this.#heard = false;
  }

  /** Somebody scrolls up. */
  loadOlder(): void {
    this.#room.reader.wantOlder();
    this.requestOlder();
  }

  /** Requests older events if they are wanted, while there is a connection. */
  requestOlder(): void {
    const { reader, deps: { connection } } = this.#room;
    if (!connection.live) return;
    const request = reader.takeRequest();
    if (request === undefined) return;
    if (connection.send({ type: "history", ...request })) connection.expectAnswer();
    else this.#requestAgainIn(REFUSED_PAUSE_MS);
  }

  dispose(): void {
    this.#cancelRequest?.();
  }

  async hello(nonce: string): Promise<ClientFrame<"hello">> {
    const { state, reader, deps: { commands, clock } } = this.#room;
    const hello = await signHello(state, nonce, commands.nameFor(state.signer.author));
    const resume = this.#asked = reader.position;
    return { ...hello, at: Math.round(clock.now()), ...(resume && { resume }) };
  }

  welcomed(frame: ServerFrame<"welcome">): boolean {
    const { verifier, reader, merger, people, outbox, relayed, readCursor, readCursorStore, peers, deps } = this.#room;
    this.#aheadMs = frame.at - deps.clock.now();
    const cleared = peers.cleared = frame.cleared ?? 0;
    peers.membership = frame.membership;
    if (cleared > 0 && reader.epoch !== frame.epoch) merger.clear(cleared);
    if (!reader.welcome(frame, this.#asked)) return false;
    this.#room.seeClock(frame.clock);
    verifier.welcome(frame.room);
    people.welcome(frame.people);
    outbox.connected(frame);
    relayed.connected();
    readCursor.follow(frame.epoch, frame.head);
    readCursorStore.keepSoon();
    this.#heard = true;
    deps.onChange();
    // After the screen: files are kept by what it still offers.
    if (cleared > 0) deps.onCleared?.(frame.epoch);
    this.requestOlder();
    return true;
  }

  received(frame: RoomFrame): boolean {
    const { reader, outbox, relayed, people, peers, deps } = this.#room;
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
        deps.onNotices?.(frame.notices, this.#aheadMs);
        return true;
      case "problem":
        if (frame.problem !== "busy") deps.log(`server: ${frame.problem} ${frame.field}`);
        else if (frame.field === undefined && reader.older === "loading") {
          this.#requestAgainIn(frame.retryAfterMs ?? REFUSED_PAUSE_MS);
        }
        return true;
    }
  }

  async ponged(): Promise<void> {
    const doubts = this.#doubts;
    const { reader, deps: { connection, onChange } } = this.#room;
    // Everything sent before the answer has arrived. It counts once it is verified.
    await reader.idle();
    if (doubts !== this.#doubts || this.#heard || !connection.live) return;
    this.#heard = true;
    onChange();
  }

  disconnected(): void {
    this.suspect();
    this.#room.outbox.disconnected();
    this.#room.relayed.disconnected();
  }

  /** The last request for older events failed. */
  #requestAgainIn(delayMs: number): void {
    this.#room.reader.askAgain();
    this.dispose();
    this.#cancelRequest = this.#room.deps.timers.after(delayMs, () => this.requestOlder());
  }
}
