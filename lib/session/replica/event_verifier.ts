/** Admits events to a room: only this room's, signed by their authors, and only after the room itself is verified. */
import type { Sealer } from "../../crypto/seal.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import type { EventId, RoomId } from "../../protocol/event.ts";
import { belongsInto, type Event, type LogEvent } from "../../kinds/kinds.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { openEvent } from "../room/room_state.ts";
import { isGenesis, type VerifiedRoom, verifyRoom } from "./verified_room.ts";
import type { RoomProblem } from "../model/conversation_model.ts";

export interface EventVerifierDeps {
  room: RoomId;
  ed25519: Verifier;
  /** Undefined in a plain room. */
  sealer: Sealer | undefined;
  /** The event with this id, if it was verified before. */
  held(id: EventId): LogEvent | undefined;
  onVerified(room: VerifiedRoom): void;
  /** The room is verified, and this page cannot show it. */
  onProblem(problem: RoomProblem): void;
  /** The server describes a room that its genesis event contradicts. */
  onFalse(): void;
}

export class EventVerifier {
  readonly #deps: EventVerifierDeps;
  /** Verification of events waits for it. */
  #head: Promise<VerifiedRoom | undefined> = Promise.resolve(undefined);
  #known: VerifiedRoom | undefined;

  constructor(deps: EventVerifierDeps) {
    this.#deps = deps;
  }

  /** The room, once it is verified. */
  get known(): VerifiedRoom | undefined {
    return this.#known;
  }

  /** A server describes the room. */
  welcome(info: RoomInfo): void {
    this.#head = this.#prove(info);
  }

  /** Another phone describes the room. False: the genesis event contradicts it, or this page cannot show the room. */
  async learn(info: RoomInfo): Promise<boolean> {
    if (this.#known !== undefined) return true;
    if (!await isGenesis(info, this.#deps.room, this.#deps.ed25519)) return false;
    this.welcome(info);
    return await this.#head !== undefined;
  }

  /** Takes over a room that an earlier page verified. */
  enter(head: VerifiedRoom): void {
    this.#known = head;
    this.#head = Promise.resolve(head);
    this.#deps.onVerified(head);
  }

  /** The event opened; `forged`: the signature is not its author's; `refused`: it does not belong into this room. */
  async verify(event: Event): Promise<Event | "forged" | "refused"> {
    const head = await this.#head;
    if (head === undefined || event.room !== this.#deps.room) return "refused";
    const held = this.#deps.held(event.id);
    // The id covers the payload only: another signature has to be verified.
    if (held !== undefined && held.kind !== "deleted" && held.wire[1] === event.wire[1]) return held;
    const { sealer } = this.#deps;
    const fits = event.kind === "room" ? event.id === head.genesis.id : belongsInto(sealer !== undefined, event);
    if (!fits) return "refused";
    if (!await verifyEvent(this.#deps.ed25519, event)) return "forged";
    return await openEvent(event, sealer, head);
  }

  async #prove(info: RoomInfo): Promise<VerifiedRoom | undefined> {
    const known = this.#known;
    if (known?.info.genesis[1] === info.genesis[1] && known.info.code === info.code) return known;
    if (!await isGenesis(info, this.#deps.room, this.#deps.ed25519)) {
      this.#deps.onFalse();
      return undefined;
    }
    const head = await verifyRoom(info, this.#deps.sealer);
    if ("problem" in head) {
      this.#deps.onProblem(head);
      return undefined;
    }
    this.#known = head;
    this.#deps.onVerified(head);
    return head;
  }
}
