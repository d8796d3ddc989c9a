/** What comes into a room: only events of this room, signed by their authors, and only once the room itself is proven. */
import type { Sealer } from "../../crypto/seal.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import type { Event, EventId, RoomId } from "../../protocol/event.ts";
import type { RoomInfo } from "../../protocol/frames.ts";
import { openEvent } from "../room/room_state.ts";
import { isGenesis, type VerifiedRoom, verifyRoom } from "./verified_room.ts";
import type { RoomProblem } from "../model/conversation_model.ts";

export interface EventVerifierDeps {
  room: RoomId;
  ed25519: Verifier;
  /** Undefined in a plain room. */
  sealer: Sealer | undefined;
  /** The event with this id, if it came before: it was checked then. */
  held(id: EventId): Event | undefined;
  onVerified(room: VerifiedRoom): void;
  /** The room is proven, and this page cannot show it. */
  onProblem(problem: RoomProblem): void;
  /** What the server says of the room is not what its founding says. */
  onFalse(): void;
}

export class EventVerifier {
  readonly #deps: EventVerifierDeps;
  /** Events wait for it. */
  #head: Promise<VerifiedRoom | undefined> = Promise.resolve(undefined);
  #known: VerifiedRoom | undefined;

  constructor(deps: EventVerifierDeps) {
    this.#deps = deps;
  }

  /** The room, once it is proven. */
  get known(): VerifiedRoom | undefined {
    return this.#known;
  }

  /** A server describes the room. */
  welcome(info: RoomInfo): void {
    this.#head = this.#prove(info);
  }

  /** Another phone describes the room. False: its founding says something else, or it cannot be shown. */
  async learn(info: RoomInfo): Promise<boolean> {
    if (this.#known !== undefined) return true;
    if (!await isGenesis(info, this.#deps.room, this.#deps.ed25519)) return false;
    this.welcome(info);
    return await this.#head !== undefined;
  }

  /** The room as it was proven before, on an earlier page. */
  enter(head: VerifiedRoom): void {
    this.#known = head;
    this.#head = Promise.resolve(head);
    this.#deps.onVerified(head);
  }

  /** The event opened, if its author wrote it for this room. */
  async check(event: Event): Promise<Event | undefined> {
    const admitted = await this.verify(event);
    return typeof admitted === "string" ? undefined : admitted;
  }

  /** The event opened; `forged`: its author did not sign it; `refused`: it has no place in this room. */
  async verify(event: Event): Promise<Event | "forged" | "refused"> {
    const head = await this.#head;
    if (head === undefined || event.room !== this.#deps.room) return "refused";
    const held = this.#deps.held(event.id);
    // The id is the payload's: another signature is another claim.
    if (held?.wire[1] === event.wire[1]) return held;
    const { sealer } = this.#deps;
    const fits = event.kind === "room"
      ? event.id === head.founding.id
      : (event.kind === "sealed") === (sealer !== undefined);
    if (!fits) return "refused";
    if (!await verifyEvent(this.#deps.ed25519, event)) return "forged";
    return await openEvent(event, sealer, head);
  }

  async #prove(info: RoomInfo): Promise<VerifiedRoom | undefined> {
    const known = this.#known;
    if (known?.info.founding[1] === info.founding[1] && known.info.code === info.code) return known;
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
