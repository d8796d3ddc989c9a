/**
 * A room in one page, from the first moment on: its signals, its actions and its connection. Until the storage has answered
 * there is only this stage; then an OpenRoom does the work.
 */
import { batch } from "@preact/signals";
import { withOpened } from "../../chat/recent_rooms.ts";
import { type Sealer, sealerOf } from "../../crypto/seal.ts";
import type { EventId, RoomId } from "../../protocol/event.ts";
import type { FileInfo } from "../../protocol/file_info.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { type DeliveryRoute, deliveryRoute } from "../../routing/delivery_route.ts";
import { ServerConnection } from "../connection/server_connection.ts";
import type { ConnectionState } from "../model/connection_model.ts";
import type { ConversationModel, RoomProblem, SendProblem } from "../model/conversation_model.ts";
import type { PeopleModel } from "../model/people_model.ts";
import { RoomSignals } from "../model/room_signals.ts";
import { type TextSink, UnsentTexts } from "../outbox/unsent_texts.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import type { VerifiedRoom } from "../replica/verified_room.ts";
import { OpenRoom } from "./open_room.ts";
import type { PeerSync } from "./peer_sync.ts";
import { RoomCommands } from "./room_commands.ts";
import { loadRoomState, type RoomState } from "./room_state.ts";

export interface RoomSessionOptions {
  room: RoomId;
  /** The key from the fragment of a sealed room's link. */
  secret?: string;
  /** My display name, as normalizeDisplayName gives it; empty until I chose one: reading needs none. */
  name: string;
}

/** Opens a room and keeps it open until `dispose`. */
export class RoomSession extends RoomSignals implements ConversationModel, PeopleModel {
  /** Resolves when everything that the device kept is on the screen, or when the room cannot be opened. Never rejects. */
  readonly ready: Promise<void>;
  readonly commands: RoomCommands;
  readonly #deps: SessionDeps;
  readonly #options: RoomSessionOptions;
  readonly #connection: ServerConnection;
  readonly #texts: TextSink;
  /** Undefined until the storage has answered. */
  #room: OpenRoom | undefined;
  #disposed = false;

  constructor(deps: SessionDeps, options: RoomSessionOptions) {
    super(deps.storage.lasting);
    this.#deps = deps;
    this.#options = options;
    const { clock, meter, unsent, log } = deps;
    const { room, name } = options;
    const opened = async () => {
      await this.ready;
      return this.#room;
    };
    this.commands = new RoomCommands({ clock, name, opened, onChange: () => this.#publish(), log });
    this.#connection = new ServerConnection({
      ...deps,
      room: async () => {
        const open = await opened();
        if (open === undefined) throw new Error("no room");
        return open.server;
      },
      onRoundTrip: (ms) => meter?.roundTrip(ms),
      onState: (state) => this.#connectionChanged(state),
    });
    this.ready = this.#open().catch((error) => {
      log(`room: not opened: ${error}`);
      deps.onFault?.(error);
    });
    this.#texts = unsent === undefined
      ? this.commands
      : new UnsentTexts({ room, clock, storage: unsent, outbox: this.commands, session: this });
  }

  // ---- the conversation and its people ----

  sendMessage(text: string, replyTo?: EventId): Promise<{ problem?: SendProblem }> {
    return this.#texts.sendMessage(text, replyTo);
  }

  edit(to: EventId, text: string): Promise<{ problem?: SendProblem }> {
    return this.#texts.edit(to, text);
  }

  /** Offers a file that this device holds. */
  sendFile(file: FileInfo, caption: string): Promise<{ problem?: SendProblem }> {
    return this.commands.sendFile(file, caption);
  }

  async react(to: EventId, emoji: string, on: boolean): Promise<void> {
    await this.commands.react(to, emoji, on);
  }

  async deleteMessage(to: EventId): Promise<void> {
    await this.commands.deleteMessage(to);
  }

  async discardRefused(id: EventId): Promise<string | undefined> {
    const item = this.messages.peek().find((item) => item.id === id);
    const text = await this.commands.discardRefused(id);
    if (text !== undefined && item?.type === "message" && item.file) this.#deps.onDiscarded?.(item.file);
    return text;
  }

  rename(name: string): Promise<{ problem?: SendProblem }> {
    return this.commands.rename(name);
  }

  loadOlder(): void {
    this.#room?.server.loadOlder();
  }

  seen(): void {
    this.#room?.seen();
  }

  // ---- the page ----

  /** Reconnects now. */
  forceReconnect(): void {
    // A room that this page must not show stays closed; for the other reasons the world may have changed.
    const { problem } = this.problem.value ?? {};
    if (this.#disposed || problem === "wrong_secret" || problem === "secret_missing") return;
    this.problem.value = undefined;
    this.#connection.restart();
  }

  /** The device woke up, the page is shown again, or the network changed: finds out whether the connection is alive. */
  wake(): void {
    this.upToDate.value = false;
    this.#room?.wake();
    this.#connection.wake();
  }

  /** Writes everything that the storage does not have yet: the page may be about to end. */
  async persist(): Promise<void> {
    await this.#room?.persist();
  }

  /** My events that wait on this device. */
  get waiting(): number {
    return this.#room?.outbox.waiting ?? 0;
  }

  dispose(): void {
    if (this.#disposed) return;
    void this.persist();
    this.#disposed = true;
    this.#connection.end();
    this.#room?.dispose();
  }

  // ---- the mesh ----

  /** Where new events of mine go first, and why. */
  get delivery(): DeliveryRoute {
    return this.#room?.peers.delivery ?? deliveryRoute({ server: false, reached: 0, missing: 0, preference: "auto" });
  }

  get peers(): PeerSync | undefined {
    return this.#disposed ? undefined : this.#room?.peers;
  }

  // ---- opening ----

  async #open(): Promise<void> {
    const { secret } = this.#options;
    if (secret !== undefined && !isBase64UrlOf(secret, 16)) return this.#stop({ problem: "wrong_secret" });
    const sealer = secret === undefined ? undefined : await sealerOf(secret);
    // The transport opens while the storage is read; hello waits for both.
    if (!this.#disposed) this.#connection.restart();
    const state = await this.#load(sealer);
    if (this.#disposed) return;
    const room = this.#room = new OpenRoom(state, {
      ...this.#deps,
      secret,
      commands: this.commands,
      connection: this.#connection,
      onVerified: (verified) => this.#verified(verified, state),
      onProblem: (problem) => this.#stop(problem),
      onChange: () => this.#publish(),
    });
    if (state.problem !== undefined) return this.#stop(state.problem);
    const started = room.start();
    this.#publish();
    await started;
  }

  async #load(sealer: Sealer | undefined): Promise<RoomState> {
    const { storage, memory, log } = this.#deps;
    const { room } = this.#options;
    try {
      return await loadRoomState(this.#deps, storage, room, sealer);
    } catch (error) {
      // Taken away by the browser, or broken: the page works on without it, and says so.
      log(`storage: ${error}`);
      this.stored.value = false;
      return await loadRoomState(this.#deps, await memory(), room, sealer);
    }
  }

  /** This page cannot show the room. */
  #stop(problem: RoomProblem): void {
    this.problem.value = problem;
    this.#connection.end();
  }

  #verified({ view }: VerifiedRoom, { storage }: RoomState): void {
    this.room.value = view;
    const { id, kind, name, code } = view;
    const { secret } = this.#options;
    const openedAt = this.#deps.clock.now();
    const opened = { id, kind, name, openedAt, ...(code && { code }), ...(secret && { secret }) };
    storage.changeRooms((rooms) => withOpened(rooms, opened))
      .catch((error) => this.#deps.log(`room: not stored: ${error}`));
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

  #publish(): void {
    if (this.#room !== undefined && !this.#disposed) this.show(this.#room);
  }
}
