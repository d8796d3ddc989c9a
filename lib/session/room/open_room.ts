/**
 * An open room in one page: the copy of its log, the outbox, the timeline, and the exchange with the server and with
 * peers. It is made of the stored state (room_state.ts), so every part has what it needs from the start.
 */
import type { Cancel } from "../../shared/environment.ts";
import { Timeline } from "../../chat/timeline.ts";
import { personNamePlace, sealContent } from "../../crypto/seal.ts";
import { isSealable } from "../../kinds/kinds.ts";
import type { AuthorKey } from "../../protocol/event.ts";
import { Outbox } from "../outbox/outbox.ts";
import { PEOPLE_MAX } from "../ports/session_limits.ts";
import { EventVerifier } from "../replica/event_verifier.ts";
import { ReadCursor } from "../replica/read_cursor.ts";
import { ReadCursorStore } from "../replica/read_cursor_store.ts";
import { RelayedEvents, relayedTopic } from "../replica/relayed_events.ts";
import { ReplicaMerger } from "../replica/replica_merger.ts";
import { ReplicaReader } from "../replica/replica_reader.ts";
import { ReplicaWriter } from "../replica/replica_writer.ts";
import { PeerSync } from "./peer_sync.ts";
import type { OpenRoomDeps, RoomParts } from "./room_parts.ts";
import { RoomPeople } from "./room_people.ts";
import { type RoomState, tidyPersonName } from "./room_state.ts";
import { ServerSync } from "./server_sync.ts";

export class OpenRoom implements RoomParts {
  readonly state: RoomState;
  readonly deps: OpenRoomDeps;
  readonly timeline: Timeline;
  readonly verifier: EventVerifier;
  readonly people: RoomPeople;
  readonly outbox: Outbox;
  readonly relayed: RelayedEvents;
  readonly readCursor = new ReadCursor();
  readonly readCursorStore = new ReadCursorStore(this);
  readonly reader: ReplicaReader;
  readonly merger = new ReplicaMerger(this);
  readonly server = new ServerSync(this);
  readonly peers: PeerSync;
  readonly #writer = new ReplicaWriter(this);
  readonly #stopListening: Cancel | undefined;
  #clockSeen = 0;
  #toTell = false;
  #disposed = false;

  constructor(state: RoomState, deps: OpenRoomDeps) {
    this.state = state;
    this.deps = deps;
    const { room, storage, signer, sealer } = state;
    const { connection, commands, clock, tabs, onChange } = deps;
    const timeline = this.timeline = new Timeline({ me: signer.author });
    const shared = { ...deps, room, storage, signer, sealer };
    const verifier = this.verifier = new EventVerifier({
      ...shared,
      held: (id) => timeline.get(id),
      onVerified: (verified) => {
        timeline.setHost(verified.view.host);
        deps.onVerified(verified);
      },
      onFalse: () => connection.fault("wrong genesis event"),
    });
    const people = this.people = new RoomPeople({
      openName: async ({ author, name }) => {
        const clear = sealer === undefined ? name : await sealer.open(name, personNamePlace(room, author));
        return clear === undefined ? undefined : tidyPersonName(clear);
      },
      onChange: () => {
        this.peers.mesh?.presentChanged();
        onChange();
      },
    });
    this.outbox = new Outbox({
      ...shared,
      seal: async (header, content) =>
        sealer === undefined || !isSealable(content) ? content : await sealContent(sealer, header, content),
      noop: () => ({ at: clock.now(), content: { kind: "profile", body: { name: commands.nameFor(signer.author) } } }),
      clockSeen: () => this.#clockSeen,
      serverDelayMs: (phones) => this.peers.serverDelayMs(phones),
      onSigned: (event) => this.peers.mesh?.publish(event),
      onDelivery: (event, delivery) => {
        timeline.setDelivery(event.id, delivery);
        timeline.add([event]);
        this.#tellSoon();
      },
      onGone: (id) => {
        timeline.remove([id]);
        this.#tellSoon();
      },
    });
    this.relayed = new RelayedEvents({
      ...shared,
      present: (author) => people.names.has(author),
      send: (frame) => connection.send(frame),
      onKept: () => tabs?.tell(relayedTopic(room)),
    });
    const reader = this.reader = new ReplicaReader({
      ...shared,
      verifier,
      onEvents: (events) => this.merger.take(events),
      onRenumbered: (held) => this.merger.renumber(held),
      onChange: () => {
        timeline.setGaps(reader.gaps());
        onChange();
        this.#writer.saveSoon();
      },
      onWanted: () => this.server.requestOlder(),
    });
    this.peers = new PeerSync(this);
    this.#stopListening = storage.onRenewed?.(() => this.#storageRenewed());
    this.#restore();
  }

  get clockSeen(): number {
    return this.#clockSeen;
  }

  seeClock(clock: number): void {
    this.#clockSeen = Math.max(this.#clockSeen, clock);
  }

  /** Signs what an earlier page left unsigned, and resolves when all that was kept is in the timeline. */
  async start(): Promise<void> {
    if (this.state.problem === undefined) await this.outbox.start(this.state.outbox);
  }

  /** Everything that is here now has been seen. */
  seen(): void {
    this.readCursor.see(this.reader.position);
    if (this.readCursor.unsaved !== undefined) this.readCursorStore.keepSoon();
    this.deps.onChange();
  }

  /** The device woke up. */
  wake(): void {
    this.server.suspect();
    void this.readCursorStore.keep();
  }

  /** Writes everything that the storage does not have yet: the page may be about to end. */
  async persist(): Promise<void> {
    this.outbox.hurry(true);
    await Promise.all([this.#writer.save(), this.readCursorStore.keep(), this.relayed.save()]);
  }

  /**
   * The people here: as the server reports, or without a server those whom peers reach. A name is undefined where only
   * events may name a person.
   */
  get present(): { count: number; names: ReadonlyMap<AuthorKey, string | undefined> } {
    const { connection, commands } = this.deps;
    const reached = connection.live ? [] : this.peers.mesh?.reached() ?? [];
    if (reached.length === 0) return this.people;
    const names = new Map<AuthorKey, string | undefined>([[this.state.signer.author, commands.name]]);
    for (const peer of reached.slice(0, PEOPLE_MAX)) names.set(peer, this.people.names.get(peer));
    return { count: reached.length + 1, names };
  }

  dispose(): void {
    this.#disposed = true;
    this.#stopListening?.();
    this.#writer.dispose();
    this.readCursorStore.dispose();
    this.peers.dispose();
    this.server.dispose();
    this.relayed.dispose();
    this.outbox.dispose();
  }

  #restore(): void {
    const { kept, seen, relayed, problem } = this.state;
    if (problem !== undefined) return;
    const position = kept?.copy.ranges.at(-1)?.to;
    // Devices that did not keep a read cursor yet had shown all that they kept.
    const shown = position === undefined ? undefined : { epoch: kept!.copy.epoch, position };
    // The cursor is kept on its own: the copy may not have reached the disk.
    this.readCursor.learn(seen ?? shown);
    if (kept === undefined) return;
    this.verifier.enter(kept.head);
    this.peers.showKept(relayed);
    // Events that the log has by now are no longer relayed.
    this.reader.restore(kept.copy, kept.events);
  }

  /** The storage may have lost everything: this page writes what it knows once more. The outbox does so itself. */
  #storageRenewed(): void {
    this.reader.notSaved();
    this.#writer.saveSoon();
    this.relayed.notSaved();
    this.deps.onChange();
  }

  /** Shows all changes of this turn at once: forty messages that are sent together are drawn once. */
  #tellSoon(): void {
    if (this.#toTell) return;
    this.#toTell = true;
    queueMicrotask(() => {
      this.#toTell = false;
      if (!this.#disposed) this.deps.onChange();
    });
  }
}
