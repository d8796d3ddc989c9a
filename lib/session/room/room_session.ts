/**
 * One open room in one page: the conductor. It joins the connection, the copy of the log, the outbox and the timeline, and
 * shows what they say as signals. All decisions are theirs; the environment are arguments.
 */
import type { Cancel } from "../../shared/environment.ts";
import { batch } from "@preact/signals";
import { withOpened } from "../../chat/recent_rooms.ts";
import { personNamePlace, type Sealer, sealerOf } from "../../crypto/seal.ts";
import type { AuthorKey, EventId, RoomId } from "../../protocol/event.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import type { DeliveryRoute } from "../../routing/delivery_route.ts";
import type { ServerConnection } from "../connection/server_connection.ts";
import { ReplicaWriter } from "../replica/replica_writer.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { PEOPLE_MAX } from "../ports/session_limits.ts";
import { ReplicaMerger } from "../replica/replica_merger.ts";
import { ReplicaReader } from "../replica/replica_reader.ts";
import { RelayedEvents, relayedTopic } from "../replica/relayed_events.ts";
import type { MeshHost, PairingHost, SessionMesh } from "../ports/mesh_host.ts";
import { PeerSync } from "./peer_sync.ts";
import { ReadCursorStore } from "../replica/read_cursor_store.ts";
import { ReadCursor } from "../replica/read_cursor.ts";
import { RoomClock } from "./room_clock.ts";
import { EventVerifier } from "../replica/event_verifier.ts";
import { loadRoomState, type RoomState, tidyPersonName } from "./room_state.ts";
import type { VerifiedRoom } from "../replica/verified_room.ts";
import type { ConnectionState, ConversationModel, RoomProblem, SendProblem } from "../model/room_model.ts";
import { RoomPeople } from "./room_people.ts";
import { RoomSignals, type Shown } from "../model/room_signals.ts";
import { RoomCommands } from "./room_commands.ts";
import { ServerSync } from "./server_sync.ts";

export interface RoomSessionOptions {
  room: RoomId;
  /** The key from the fragment of a sealed room's link. */
  secret?: string;
  /** My display name, as normalizeDisplayName gives it; empty until I chose one: reading needs none. */
  name: string;
}

/** The room's conversation, and what only its environment call. */
export interface RoomSession extends ConversationModel {
  /**
   * `at`: when Send was pressed, if not just now. `isWanted`: asked as the message is kept, if that comes late; if it is not
   * wanted any more, nothing is kept.
   */
  sendMessage(
    text: string,
    replyTo?: EventId,
    at?: number,
    isWanted?: () => boolean,
  ): Promise<{ problem?: SendProblem }>;
  edit(to: EventId, text: string, isWanted?: () => boolean): Promise<{ problem?: SendProblem }>;
  /** Offers a file that this device holds. */
  sendFile(file: FileInfo, caption: string): Promise<{ problem?: SendProblem }>;
  /** Connects anew, now. */
  forceReconnect(): void;
  /** Events of mine that wait on this device. */
  readonly waiting: number;
  /** What a mesh of this room works for; undefined until the device's key is known and the room is proven. */
  readonly meshHost: MeshHost | undefined;
  /** What linking with a phone beside this one works for; undefined until the device's key is known. */
  readonly pairingHost: PairingHost | undefined;
  /** Uses a mesh from now on, or none. */
  useMesh(mesh: SessionMesh | undefined): void;
  /** Which way new events of mine go first, and why. */
  readonly delivery: DeliveryRoute;
  /** The device woke, the page is shown again, or the network changed: finds out at once whether the connection is true. */
  wake(): void;
  /** Writes what the local copy does not have yet: the page may be about to end. */
  persist(): Promise<void>;
  /** Resolves when what the device kept is on the screen. Never rejects. */
  readonly ready: Promise<void>;
}

/** Opens a room, and keeps it open until `dispose`. */
export function openRoomSession(deps: SessionDeps, options: RoomSessionOptions): RoomSession {
  return new Session(deps, options);
}

class Session extends RoomSignals implements RoomSession {
  readonly ready: Promise<void>;

  readonly #deps: SessionDeps;
  readonly #options: RoomSessionOptions;
  /** What the device's storage gave; undefined until it has answered. */
  #ground: RoomState | undefined;
  readonly #clock = new RoomClock();
  readonly #readCursor = new ReadCursor();
  readonly #writer: RoomCommands;
  readonly #gate: EventVerifier;
  readonly #reader: ReplicaReader;
  readonly #keeper: ReplicaWriter;
  readonly #people: RoomPeople;
  readonly #readCursorStore: ReadCursorStore;
  readonly #relayed: RelayedEvents;
  readonly #server: ServerSync;
  readonly #peers: PeerSync;
  #stopListening: Cancel | undefined;
  #disposed = false;

  constructor(deps: SessionDeps, options: RoomSessionOptions) {
    super(deps.storage.lasting);
    this.#deps = deps;
    this.#options = options;
    const { room, secret, name } = options;
    /** What more than one part stands on. */
    const shared = {
      ...deps,
      room,
      secret,
      name,
      verifier: deps.ed25519,
      roomClock: this.#clock,
      readCursor: this.#readCursor,
      ready: () => this.ready,
      ground: () => this.#ground,
      storage: () => this.#ground?.storage,
      mesh: () => this.#peers.mesh,
      onChange: () => this.#publish(),
      log: (line: string) => this.#log(line),
    };
    const writer = this.#writer = new RoomCommands(shared);
    const gate = this.#gate = new EventVerifier({
      ...shared,
      sealer: () => this.#ground?.sealer,
      held: (id) => this.#ground?.timeline.get(id),
      onHead: (head) => this.#enter(head),
      onProblem: (problem) => this.#stop(problem),
      onFalse: () => this.#connection.fault("the room is not the one its founding event tells of"),
    });
    const reader = this.#reader = new ReplicaReader({
      ...shared,
      check: (event) => gate.check(event),
      onEvents: (events) => merger.take(events),
      onRenumbered: (held) => merger.renumber(held),
      onChange: () => this.#copyChanged(),
      onWanted: () => this.#server.requestOlder(),
    });
    this.#keeper = new ReplicaWriter({ ...shared, reader, info: () => gate.known?.info });
    const people = this.#people = new RoomPeople({
      openName: async ({ author, name }) => {
        const sealer = this.#ground?.sealer;
        const open = sealer === undefined ? name : await sealer.open(name, personNamePlace(room, author));
        return open === undefined ? undefined : tidyPersonName(open);
      },
      onChange: () => {
        shared.mesh()?.presentChanged();
        this.#publish();
      },
    });
    const readCursorStore = this.#readCursorStore = new ReadCursorStore(shared);
    const relayed = this.#relayed = new RelayedEvents({
      ...shared,
      present: (author) => people.names.has(author),
      send: (frame) => this.#connection.send(frame),
      onKept: () => deps.tabs?.tell(relayedTopic(room)),
    });
    const parts = { ...shared, writer, gate, reader, people, readCursorStore, relayed };
    const merger = new ReplicaMerger(parts);
    this.#server = new ServerSync({ ...parts, merger, onState: (state) => this.#connectionChanged(state) });
    this.#peers = new PeerSync({
      ...parts,
      ground: () => this.#disposed ? undefined : this.#ground,
      isLive: () => this.#connection.live,
      sendSignal: (frame) => this.#connection.send(frame),
      cleared: () => this.#server.cleared,
      onCoverage: () => !this.#connection.live && this.#publish(),
    });
    this.ready = this.#start().catch((error) => {
      this.#log(`the room could not be opened: ${error}`);
      deps.onFault?.(error);
    });
  }

  get #connection(): ServerConnection {
    return this.#server.connection;
  }

  // ---- actions ----

  sendMessage(...message: Parameters<RoomSession["sendMessage"]>): Promise<{ problem?: SendProblem }> {
    return this.#writer.sendMessage(...message);
  }

  sendFile(file: FileInfo, caption: string): Promise<{ problem?: SendProblem }> {
    return this.#writer.sendFile(file, caption);
  }

  async react(to: EventId, emoji: string, on: boolean): Promise<void> {
    await this.#writer.react(to, emoji, on);
  }

  edit(...change: Parameters<RoomSession["edit"]>): Promise<{ problem?: SendProblem }> {
    return this.#writer.edit(...change);
  }

  async deleteMessage(to: EventId): Promise<void> {
    await this.#writer.deleteMessage(to);
  }

  rename(name: string): Promise<{ problem?: SendProblem }> {
    return this.#writer.rename(name);
  }

  discardRefused(id: EventId): Promise<string | undefined> {
    return this.#writer.discardRefused(id);
  }

  loadOlder(): void {
    this.#server.loadOlder();
  }

  seen(): void {
    this.#readCursor.see(this.#reader.position);
    this.unread.value = this.#readCursor.unread;
    if (this.#readCursor.unsaved !== undefined) this.#readCursorStore.keepSoon();
  }

  forceReconnect(): void {
    // A room that this page must not show stays closed; for the other reasons the world may have changed.
    const { problem } = this.problem.value ?? {};
    if (this.#disposed || problem === "wrong_secret" || problem === "secret_missing") return;
    this.problem.value = undefined;
    this.#connection.restart();
  }

  wake(): void {
    this.upToDate.value = false;
    this.#server.wake();
    void this.#readCursorStore.keep();
  }

  dispose(): void {
    if (this.#disposed) return;
    void this.persist();
    this.#disposed = true;
    this.#stopListening?.();
    this.#keeper.dispose();
    this.#readCursorStore.dispose();
    this.#peers.dispose();
    this.#server.dispose();
    this.#relayed.dispose();
    this.#ground?.outbox.dispose();
  }

  async persist(): Promise<void> {
    this.#ground?.outbox.hurry(true);
    await Promise.all([this.#keeper.save(), this.#readCursorStore.keep(), this.#relayed.save()]);
  }

  // ---- what surrounds a session asks ----

  get waiting(): number {
    return this.#ground?.outbox.waiting ?? 0;
  }

  get delivery(): DeliveryRoute {
    return this.#peers.delivery;
  }

  get meshHost(): MeshHost | undefined {
    return this.#peers.host;
  }

  get pairingHost(): PairingHost | undefined {
    return this.#peers.pairing;
  }

  useMesh(mesh: SessionMesh | undefined): void {
    this.#peers.use(mesh);
  }

  // ---- start ----

  async #start(): Promise<void> {
    let sealer: Sealer | undefined;
    try {
      if (this.#options.secret !== undefined) sealer = await sealerOf(this.#options.secret);
    } catch {
      return this.#stop({ problem: "wrong_secret" }); // A TypeError: the fragment holds no key at all.
    }
    // The transport opens while the storage is read; hello waits for both.
    if (!this.#disposed) this.#connection.restart();
    const ground = await this.#layGround(sealer);
    if (this.#disposed) return ground.outbox.dispose();
    this.#ground = ground;
    this.#stopListening = ground.storage.onRenewed?.(() => this.#storageRenewed());
    if (ground.problem !== undefined) return this.#stop(ground.problem);
    if (ground.kept !== undefined) {
      const { head, copy, events } = ground.kept;
      // Before reading was remembered, whatever was kept had been on the screen.
      const position = copy.ranges.at(-1)?.to;
      if (position !== undefined) ground.seen ??= { epoch: copy.epoch, position };
      this.#readCursor.learn(ground.seen);
      this.#gate.enter(head);
      this.#peers.showKept(ground, ground.relayed);
      // What the log has by now is not relayed any more.
      this.#reader.restore(copy, events);
    } else this.#readCursor.learn(ground.seen); // What was read is remembered, also where the copy did not get to the disk.
    this.#publish();
  }

  async #layGround(sealer: Sealer | undefined): Promise<RoomState> {
    const parts = {
      room: this.#options.room,
      sealer,
      name: (author: AuthorKey) => this.#writer.nameFor(author),
      clockSeen: () => this.#clock.seen,
      send: (frame: Parameters<ServerConnection["send"]>[0]) => this.#connection.send(frame),
      expectAnswer: () => this.#connection.expectAnswer(),
      onStored: (afterMs: number | undefined) => this.#deps.meter?.stored(afterMs),
      onRefused: () => this.#deps.meter?.refused(),
      onSigned: (event: Event) => this.#peers.mesh?.publish(event),
      serverDelayMs: (phones: number) => this.#peers.serverDelayMs(phones),
      giveUpTransport: (why: string) => this.#connection.answerOverdue(why),
      onChange: () => this.#publish(),
      log: (line: string) => this.#log(line),
    };
    try {
      return await loadRoomState(this.#deps, this.#deps.storage, parts);
    } catch (error) {
      // Taken away by the browser, or broken: the page works on without, and says so.
      this.#log(`storage is not usable: ${error}`);
      this.stored.value = false;
      const { memoryStorage } = await import("../browser/on_demand.ts");
      return await loadRoomState(this.#deps, memoryStorage(), parts);
    }
  }

  /** What the device kept may be gone: all that this page knows is written once more. The outbox does it for itself. */
  #storageRenewed(): void {
    this.stored.value = this.#deps.storage.lasting;
    this.#reader.notSaved();
    this.#keeper.saveSoon();
    this.#relayed.notSaved();
  }

  /** This page cannot show the room. */
  #stop(problem: RoomProblem): void {
    this.problem.value = problem;
    this.#connection.end();
  }

  #enter(head: VerifiedRoom): void {
    this.room.value = head.view;
    const { timeline, storage } = this.#ground!;
    timeline.setHost(head.view.host);
    const { id, kind, name, code } = head.view;
    const { secret } = this.#options;
    const opened = {
      id,
      kind,
      name,
      openedAt: this.#deps.clock.now(),
      ...(code && { code }),
      ...(secret && { secret }),
    };
    storage.changeRooms((rooms) => withOpened(rooms, opened))
      .catch((error) => this.#log(`the room could not be remembered: ${error}`));
  }

  // ---- what is shown ----

  #connectionChanged(state: ConnectionState): void {
    batch(() => {
      this.connection.value = state;
      if (state.state === "connected") return;
      this.upToDate.value = false;
      if (state.state !== "disconnected" || state.retryAtMs !== undefined || this.#disposed) return;
      const { reason } = state;
      if (
        reason === "no_such_room" || reason === "room_deleted" || reason === "banned" ||
        reason === "unsupported_version" || reason === "bad_hello"
      ) {
        this.problem.value ??= { problem: reason };
      }
    });
  }

  #copyChanged(): void {
    this.#ground?.timeline.setGaps(this.#reader.gaps());
    this.#publish();
    this.#keeper.saveSoon();
  }

  #publish(): void {
    if (this.#ground === undefined || this.#disposed) return;
    const { timeline, signer } = this.#ground;
    this.show({
      timeline,
      reader: this.#reader,
      people: this.#present(signer.author),
      readCursor: this.#readCursor,
      upToDate: this.#server.upToDate,
      me: signer.author,
      name: this.#writer.name,
    });
  }

  /** Who is here: as the server told; without one, whom peers reach. */
  #present(me: AuthorKey): Shown["people"] {
    const reached = this.#connection.live ? [] : this.#peers.mesh?.reached() ?? [];
    if (reached.length === 0) return this.#people;
    const names = new Map<AuthorKey, string | undefined>([[me, this.#writer.name]]);
    for (const peer of reached.slice(0, PEOPLE_MAX)) names.set(peer, this.#people.names.get(peer));
    return { count: reached.length + 1, names };
  }

  #log(line: string): void {
    this.#deps.log?.(line);
  }
}
