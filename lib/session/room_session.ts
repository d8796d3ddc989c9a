/**
 * One open room in one page: the conductor. It joins the connection, the copy of the log, the outbox and the timeline, and
 * shows what they say as signals. All decisions are theirs; the surroundings are arguments.
 */
import { batch } from "@preact/signals";
import { type Composed, composeEdit, composeFile, composeMessage, composeReaction } from "../chat/compose.ts";
import { identityMark, normalizeDisplayName } from "../chat/display_name.ts";
import { withOpened } from "../chat/recent_rooms.ts";
import { personNamePlace, type Sealer, sealerOf } from "../crypto/seal.ts";
import { type AuthorKey, type Event, type EventId, isSaid, type RoomId } from "../protocol/event.ts";
import type { FileInfo } from "../protocol/file_info.ts";
import type { HelloFrame, HelloProof, LogPosition, RoomInfo, WelcomeFrame } from "../protocol/frames.ts";
import { PROTOCOL_VERSION } from "../protocol/limits.ts";
import type { DeliveryRoute } from "../routing/delivery_route.ts";
import { Connection, type RoomFrame } from "./connection.ts";
import { CopyKeeper } from "./copy_keeper.ts";
import type { Cancel, SessionDeps } from "./deps.ts";
import { COPY_MAX_EVENTS, PEOPLE_MAX, REFUSED_PAUSE_MS } from "./limits.ts";
import { LogReader } from "./log_reader.ts";
import { LooseEvents, looseIn } from "./loose_events.ts";
import type { MeshHost, PairingHost, SessionMesh } from "./mesh_host.ts";
import { PeerSide } from "./peer_side.ts";
import { type Ground, layGround, openKept, tidyPersonName } from "./room_ground.ts";
import { ReadKeeper } from "./read_keeper.ts";
import { ReadMarker } from "./read_marker.ts";
import { RoomGate } from "./room_gate.ts";
import type { RoomHead } from "./room_head.ts";
import type { ConnectionState, ConversationModel, RoomProblem, SendProblem } from "./room_model.ts";
import { RoomPeople } from "./room_people.ts";
import { RoomSignals, type Shown } from "./room_signals.ts";
import type { SessionStorage } from "./storage.ts";

export interface RoomSessionOptions {
  room: RoomId;
  /** The key from the fragment of a sealed room's link. */
  secret?: string;
  /** My display name, as normalizeDisplayName gives it; empty until I chose one: reading needs none. */
  name: string;
}

/** The room's conversation, and what only its surroundings call. */
export interface RoomSession extends ConversationModel {
  /** `at`: when Send was pressed, if not just now. */
  sendMessage(text: string, replyTo?: EventId, at?: number): Promise<{ problem?: SendProblem }>;
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
  #name: string;
  #ground: Ground | undefined;
  readonly #connection: Connection;
  readonly #reader: LogReader;
  readonly #gate: RoomGate;
  readonly #keeper: CopyKeeper;
  readonly #people: RoomPeople;
  readonly #loose: LooseEvents;
  readonly #peers: PeerSide;
  readonly #marker = new ReadMarker();
  readonly #readKeeper: ReadKeeper;
  /** The server was heard from since the device woke, and all that came before that is checked. */
  #heard = false;
  /** Counts what makes `#heard` doubtful. */
  #doubts = 0;
  /** What the last hello asked to resume from. */
  #asked: LogPosition | undefined;
  /** How far the server's clock is ahead of the device's, as the last welcome said. */
  #aheadMs = 0;
  /** What an operator deleted had clocks up to this. */
  #cleared = 0;
  /** Highest Lamport clock seen in the room. */
  #clock = 0;
  #cancelAskAgain: Cancel | undefined;
  readonly #stopListening: Cancel;
  #disposed = false;

  constructor(deps: SessionDeps, options: RoomSessionOptions) {
    super(deps.storage.lasting);
    this.#deps = deps;
    this.#options = options;
    this.#name = options.name;
    const log = (line: string) => this.#log(line);
    this.#gate = new RoomGate({
      room: options.room,
      verifier: deps.ed25519,
      sealer: () => this.#ground?.sealer,
      held: (id) => this.#ground?.timeline.get(id),
      onHead: (head) => this.#enter(head),
      onProblem: (problem) => this.#stop(problem),
      onFalse: () => this.#connection.fault("the room is not the one its founding event tells of"),
    });
    this.#reader = new LogReader({
      steady: deps.steady,
      timers: deps.timers,
      check: (event) => this.#gate.check(event),
      onEvents: (events) => this.#take(events),
      onRenumbered: (held) => this.#renumber(held),
      onChange: () => this.#copyChanged(),
      log,
    });
    this.#keeper = new CopyKeeper({
      room: options.room,
      reader: this.#reader,
      timers: deps.timers,
      storage: () => this.#ground?.storage,
      info: () => this.#gate.known?.info,
      log,
    });
    this.#people = new RoomPeople({
      openName: async ({ author, name }) => {
        const sealer = this.#ground?.sealer;
        const open = sealer === undefined ? name : await sealer.open(name, personNamePlace(options.room, author));
        return open === undefined ? undefined : tidyPersonName(open);
      },
      onChange: () => {
        this.#peers.mesh?.presentChanged();
        this.#publish();
      },
    });
    this.#readKeeper = new ReadKeeper({
      room: options.room,
      marker: this.#marker,
      timers: deps.timers,
      storage: () => this.#ground?.storage,
      onChange: () => this.#publish(),
      log,
    });
    const { clock, steady, timers, random, openRoad, online, meter } = deps;
    this.#loose = new LooseEvents({
      room: options.room,
      steady,
      timers,
      random,
      storage: () => this.#ground?.storage,
      present: (author) => this.#people.names.has(author),
      send: (frame) => this.#connection.send(frame),
      onKept: () => deps.tabs?.tell(looseIn(options.room)),
      log,
    });
    this.#stopListening = deps.tabs?.listen((what) => {
      if (what !== looseIn(options.room)) return;
      this.#readLoose().catch((error) => log(`what another tab keeps could not be read: ${error}`));
    }) ?? (() => {});
    this.#connection = new Connection({
      clock,
      steady,
      timers,
      random,
      openRoad,
      ...(online && { online }),
      onRoundTrip: (ms) => meter?.roundTrip(ms),
      hello: (nonce) => this.#hello(nonce),
      onWelcome: (frame) => this.#welcomed(frame),
      onFrame: (frame) => this.#received(frame),
      onPong: () => void this.#answered(),
      onState: (state) => this.#connectionChanged(state),
      log,
    });
    const { ed25519: verifier, preference } = deps;
    this.#peers = new PeerSide({
      room: options.room,
      verifier,
      gate: this.#gate,
      reader: this.#reader,
      people: this.#people,
      loose: this.#loose,
      ...(meter && { meter }),
      ...(preference && { preference }),
      ground: () => this.#disposed ? undefined : this.#ground,
      isLive: () => this.#connection.live,
      sendSignal: (frame) => this.#connection.send(frame),
      clockSeen: () => this.#clock,
      cleared: () => this.#cleared,
      onCoverage: () => !this.#connection.live && this.#publish(),
      onEvent: (event) => {
        this.#clock = Math.max(this.#clock, event.clock);
        this.#publish();
      },
    });
    this.ready = this.#start().catch((error) => this.#log(`the room could not be opened: ${error}`));
  }

  // ---- actions ----

  async sendMessage(text: string, replyTo?: EventId, at?: number): Promise<{ problem?: SendProblem }> {
    return await this.#write(composeMessage(this.#name, text, replyTo), at);
  }

  async sendFile(file: FileInfo, caption: string): Promise<{ problem?: SendProblem }> {
    return await this.#write(composeFile(this.#name, file, caption));
  }

  async react(to: EventId, emoji: string, on: boolean): Promise<void> {
    await this.#write(composeReaction(to, emoji, on));
  }

  async edit(to: EventId, text: string): Promise<{ problem?: SendProblem }> {
    return this.#isMine(to) ? await this.#write(composeEdit(to, text)) : {};
  }

  async retract(to: EventId): Promise<void> {
    if (this.#isMine(to)) await this.#write({ content: { kind: "retract", body: { to } } });
  }

  async rename(name: string): Promise<{ problem?: SendProblem }> {
    const read = normalizeDisplayName(name);
    if ("problem" in read) return read;
    if (read.name === this.#name) return {};
    this.#name = read.name;
    this.#publish();
    await this.ready;
    await this.#ground?.storage.setName(read.name).catch((error) => this.#log(`the name could not be kept: ${error}`));
    return await this.#write({ content: { kind: "profile", body: { name: read.name } } });
  }

  loadOlder(): void {
    this.#reader.wantOlder();
    this.#requestOlder();
  }

  seen(): void {
    this.#marker.see(this.#reader.position);
    this.unread.value = this.#marker.unread;
    if (this.#marker.unsaved !== undefined) this.#readKeeper.keepSoon();
  }

  async takeBack(id: EventId): Promise<string | undefined> {
    const content = await this.#ground?.outbox.takeBack(id);
    return content !== undefined && isSaid(content) ? content.body.text ?? "" : undefined;
  }

  forceReconnect(): void {
    // A room that this page must not show stays closed; for the other reasons the world may have changed.
    const { problem } = this.problem.value ?? {};
    if (this.#disposed || problem === "wrong_secret" || problem === "secret_missing") return;
    this.problem.value = undefined;
    this.#connection.restart();
  }

  get waiting(): number {
    return this.#ground?.outbox.waiting ?? 0;
  }

  wake(): void {
    // What came while the device slept is read only now: until a probe is answered, nothing counts as live.
    this.#doubt();
    this.#connection.wake();
    void this.#readKeeper.keep();
  }

  dispose(): void {
    if (this.#disposed) return;
    void this.persist();
    this.#disposed = true;
    this.#keeper.dispose();
    this.#readKeeper.dispose();
    this.#cancelAskAgain?.();
    this.#stopListening();
    this.#connection.end();
    this.#loose.dispose();
    this.#ground?.outbox.dispose();
  }

  async persist(): Promise<void> {
    this.#ground?.outbox.hurry(true);
    await Promise.all([this.#keeper.save(), this.#readKeeper.keep(), this.#loose.save()]);
  }

  async #write(composed: Composed, at = this.#deps.clock.now()): Promise<{ problem?: SendProblem }> {
    if ("problem" in composed) return composed;
    await this.ready;
    if (this.#ground === undefined) return { problem: "not_stored" };
    try {
      return await this.#ground.outbox.put({ at, content: composed.content }) ? {} : { problem: "outbox_full" };
    } catch (error) {
      this.#log(`an event could not be kept: ${error}`);
      return { problem: "not_stored" };
    }
  }

  /** Who has no name yet is known by the picture that is theirs anyway: frames and events want a name. */
  #nameFor(author: AuthorKey): string {
    return this.#name || identityMark(author).emoji;
  }

  #isMine(id: EventId): boolean {
    const event = this.#ground?.timeline.get(id);
    return event !== undefined && event.author === this.#ground?.signer.author;
  }

  // ---- start ----

  async #start(): Promise<void> {
    let sealer: Sealer | undefined;
    try {
      if (this.#options.secret !== undefined) sealer = await sealerOf(this.#options.secret);
    } catch {
      return this.#stop({ problem: "wrong_secret" }); // A TypeError: the fragment holds no key at all.
    }
    // The road opens while the storage is read; hello waits for both.
    if (!this.#disposed) this.#connection.restart();
    const ground = await this.#layGround(sealer);
    if (this.#disposed) return ground.outbox.dispose();
    this.#ground = ground;
    if (ground.problem !== undefined) return this.#stop(ground.problem);
    if (ground.kept !== undefined) {
      const { head, copy, events } = ground.kept;
      // Before reading was remembered, whatever was kept had been on the screen.
      const position = copy.ranges.at(-1)?.to;
      if (position !== undefined) ground.seen ??= { epoch: copy.epoch, position };
      this.#marker.learn(ground.seen);
      this.#gate.enter(head);
      this.#showLoose(ground, ground.loose);
      // What the log has by now is not loose any more.
      this.#reader.restore(copy, events);
    } else this.#marker.learn(ground.seen); // What was read is remembered, also where the copy did not get to the disk.
    this.#publish();
  }

  async #layGround(sealer: Sealer | undefined): Promise<Ground> {
    const parts = {
      room: this.#options.room,
      sealer,
      name: (author: AuthorKey) => this.#nameFor(author),
      clockSeen: () => this.#clock,
      send: (frame: Parameters<Connection["send"]>[0]) => this.#connection.send(frame),
      expectAnswer: () => this.#connection.expectAnswer(),
      onStored: (afterMs: number | undefined) => this.#deps.meter?.stored(afterMs),
      onRefused: () => this.#deps.meter?.refused(),
      onSigned: (event: Event) => this.#peers.mesh?.publish(event),
      serverDelayMs: (phones: number) => this.#peers.serverDelayMs(phones),
      giveUpRoad: (why: string) => this.#connection.answerOverdue(why),
      onChange: () => this.#publish(),
      log: (line: string) => this.#log(line),
    };
    try {
      return await layGround(this.#deps, this.#deps.storage, parts);
    } catch (error) {
      // Taken away by the browser, or broken: the page works on without, and says so.
      this.#log(`storage is not usable: ${error}`);
      this.stored.value = false;
      const { memoryStorage } = await import("./on_demand.ts");
      return await layGround(this.#deps, memoryStorage(), parts);
    }
  }

  /** This page cannot show the room. */
  #stop(problem: RoomProblem): void {
    this.problem.value = problem;
    this.#connection.end();
  }

  // ---- connection ----

  async #hello(nonce: string): Promise<HelloFrame> {
    await this.ready;
    if (this.#ground === undefined) throw new Error("the device's key is not known");
    const { signer, sealer } = this.#ground;
    const { room } = this.#options;
    const { author } = signer;
    const clear = this.#nameFor(author);
    const name = sealer === undefined ? clear : await sealer.seal(clear, personNamePlace(room, author));
    const proof: HelloProof = { hello: 1, nonce, room, author, name };
    const payload = JSON.stringify(proof);
    const signature = await signer.sign(payload);
    const resume = this.#asked = this.#reader.position;
    return { type: "hello", version: PROTOCOL_VERSION, proof: [payload, signature], ...(resume && { resume }) };
  }

  #welcomed(frame: WelcomeFrame): boolean {
    this.#aheadMs = frame.at - this.#deps.clock.now();
    this.#cleared = frame.cleared ?? 0;
    if (this.#cleared > 0 && this.#reader.epoch !== frame.epoch) this.#forgetCleared();
    if (!this.#reader.welcome(frame, this.#asked)) return false;
    this.#clock = Math.max(this.#clock, frame.clock);
    this.#gate.welcome(frame.room);
    this.#people.welcome(frame.people);
    this.#ground!.outbox.connected(frame);
    this.#loose.connected();
    this.#marker.follow(frame.epoch, frame.head);
    this.#readKeeper.keepSoon();
    this.#heard = true;
    this.#publish();
    // When the screen says what is still offered: files go by that.
    if (this.#cleared > 0) this.#deps.onCleared?.(frame.epoch);
    this.#requestOlder();
    return true;
  }

  /** The operator deleted all up to a clock: so does this device. */
  #forgetCleared(): void {
    const { timeline } = this.#ground!;
    const old = this.#loose.forget((id) => (timeline.get(id)?.clock ?? 0) <= this.#cleared);
    const forgotten = [...this.#reader.forget().map(({ id }) => id), ...old];
    timeline.remove(forgotten);
    this.#marker.forget(forgotten);
    this.#peers.mesh?.cleared();
  }

  #received(frame: RoomFrame): boolean {
    switch (frame.type) {
      case "events":
        return this.#reader.take(frame);
      case "page":
        return this.#reader.takePage(frame);
      case "ack":
        this.#ground!.outbox.stored(frame.acks.map(([id]) => id));
        // What the log has not brought yet, it will: until then it is new.
        this.#loose.acked(
          frame.acks.filter(([, at]) => at <= (this.#reader.position?.position ?? 0)).map(([id]) => id),
        );
        return true;
      case "refused":
        this.#ground!.outbox.refused(frame);
        this.#loose.refused(frame.id, frame.reason, frame.retryAfterMs, frame.expectedN);
        return true;
      case "presence":
        this.#people.presence(frame);
        return true;
      case "signal":
        this.#peers.mesh?.signal(frame);
        return true;
      case "signal_undeliverable":
        this.#peers.mesh?.undeliverable(frame);
        return true;
      case "notices":
        this.#deps.onNotices?.(frame.notices, this.#aheadMs);
        return true;
      case "problem":
        if (frame.problem !== "busy") this.#log(`the server could not read a frame: ${frame.problem} ${frame.field}`);
        else if (frame.field === undefined && this.older.value === "loading") {
          this.#askAgainIn(frame.retryAfterMs ?? REFUSED_PAUSE_MS);
        }
        return true;
    }
  }

  #connectionChanged(state: ConnectionState): void {
    batch(() => {
      this.connection.value = state;
      if (state.state === "connected") return;
      this.#doubt();
      this.#ground?.outbox.disconnected();
      this.#loose.disconnected();
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

  #requestOlder(): void {
    if (!this.#connection.live) return;
    const request = this.#reader.takeRequest();
    if (request === undefined) return;
    if (this.#connection.send({ type: "history", ...request })) this.#connection.expectAnswer();
    else this.#askAgainIn(REFUSED_PAUSE_MS);
  }

  #askAgainIn(delayMs: number): void {
    this.#reader.askAgain();
    this.#cancelAskAgain?.();
    this.#cancelAskAgain = this.#deps.timers.after(delayMs, () => this.#requestOlder());
  }

  // ---- events ----

  #enter(head: RoomHead): void {
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

  #take(events: ReadonlyMap<number, Event>): void {
    const { timeline, outbox, signer } = this.#ground!;
    const fromOthers = [...events.values()].filter(({ author }) => author !== signer.author);
    const fresh = fromOthers.filter(({ id }) => !timeline.has(id)).length;
    this.#deps.meter?.received(fresh, fromOthers.length - fresh);
    const mine: EventId[] = [];
    for (const [position, event] of events) {
      this.#clock = Math.max(this.#clock, event.clock);
      if (event.kind === "profile") this.#people.rename(event.author, event.body.name);
      if (event.author === signer.author) mine.push(event.id);
      else if (isSaid(event) && (!timeline.has(event.id) || this.#loose.has(event.id))) {
        this.#marker.add(event.id, position);
      }
      this.#peers.mesh?.heard(event);
    }
    timeline.remove(this.#loose.stored([...events.values()]));
    timeline.add(events.values());
    timeline.setPositions(events);
    outbox.stored(mine);
    const forgotten = this.#reader.trim(COPY_MAX_EVENTS).map(({ id }) => id);
    timeline.remove(forgotten);
    this.#marker.forget(forgotten);
    if (this.#marker.unread.size > 0) this.#readKeeper.keepSoon();
  }

  #renumber(held: ReadonlyMap<number, Event>): void {
    this.#ground?.timeline.forgetPositions();
    this.#ground?.timeline.setPositions(held);
  }

  // ---- peers ----

  get delivery(): DeliveryRoute {
    return this.#peers.delivery;
  }

  get meshHost(): MeshHost | undefined {
    return this.#peers.host;
  }

  get pairingHost(): PairingHost | undefined {
    const { room, secret } = this.#options;
    const ground = this.#ground;
    if (ground === undefined) return undefined;
    return {
      room,
      secret,
      signer: ground.signer,
      verifier: this.#deps.ed25519,
      info: () => this.#gate.known?.info,
      clockSeen: () => this.#clock,
      learn: (info, clock) => this.#learn(info, clock, ground.storage),
    };
  }

  async #learn(info: RoomInfo, clock: number, storage: SessionStorage): Promise<boolean> {
    const isNew = this.#gate.known === undefined;
    if (!await this.#gate.learn(info)) return false;
    if (!isNew) return true;
    this.#clock = Math.max(this.#clock, clock);
    // Of no log yet, so that the first server's takes its place: the room opens again without one.
    await storage.saveCopy(info.id, { epoch: "", ranges: [], oldest: 1, room: info, events: [] }, false)
      .catch((error) => this.#log(`the room could not be kept: ${error}`));
    this.#publish();
    return true;
  }

  useMesh(mesh: SessionMesh | undefined): void {
    this.#peers.use(mesh);
  }

  /** Another tab of the device has the links: what came over them is shown here, too. */
  async #readLoose(): Promise<void> {
    const ground = this.#ground, head = this.#gate.known;
    if (ground === undefined || head === undefined) return;
    const kept = await openKept(await ground.storage.loose(this.#options.room), ground.sealer, head);
    if (this.#disposed) return;
    this.#showLoose(ground, kept.filter(({ id }) => !ground.timeline.has(id)));
    this.#publish();
  }

  #showLoose({ timeline }: Ground, events: readonly Event[]): void {
    timeline.add(events);
    for (const event of events) {
      this.#clock = Math.max(this.#clock, event.clock);
      this.#loose.add(event, true);
    }
  }

  // ---- what is live ----

  /** Nobody knows what is still on its way. */
  #doubt(): void {
    this.#doubts++;
    this.#heard = this.upToDate.value = false;
  }

  /** All that the server sent before this has come; it counts once it is checked. */
  async #answered(): Promise<void> {
    const doubts = this.#doubts;
    await this.#reader.idle();
    if (doubts !== this.#doubts || this.#heard || !this.#connection.live) return;
    this.#heard = true;
    this.#publish();
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
      marker: this.#marker,
      upToDate: this.#heard && this.#reader.caughtUp,
      me: signer.author,
      name: this.#name,
    });
  }

  /** Who is here: as the server told; without one, whom peers reach. */
  #present(me: AuthorKey): Shown["people"] {
    const reached = this.#connection.live ? [] : this.#peers.mesh?.reached() ?? [];
    if (reached.length === 0) return this.#people;
    const names = new Map<AuthorKey, string | undefined>([[me, this.#name]]);
    for (const peer of reached.slice(0, PEOPLE_MAX)) names.set(peer, this.#people.names.get(peer));
    return { count: reached.length + 1, names };
  }

  #log(line: string): void {
    this.#deps.log?.(line);
  }
}
