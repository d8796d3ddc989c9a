/**
 * Checks the invariants at every step: the witness sees every commit of the database and every frame
 * that a server sends. final_checks.ts checks the end of a run.
 */
import { REFUSALS } from "../../lib/protocol/codes.ts";
import { decodeServerFrame, type LogPosition } from "../../lib/protocol/frames.ts";
import { type EventId, eventIdOf, type RoomId } from "../../lib/protocol/event.ts";
import { type DeletedEvent, type LogEvent, readEntry } from "../../lib/kinds/kinds.ts";
import { isErasable } from "../../lib/kinds/retract.ts";
import { isStub, type LogEntry } from "../../lib/protocol/stub.ts";
import type { EventValue } from "../../lib/store/keys.ts";
import { entryOf } from "../../lib/store/rooms/log.ts";
import { verifyEvent } from "../../lib/crypto/signing.ts";
import { MemoryDatabase } from "../support/memory_kv.ts";
import { fakeVerifier } from "./fake_ed25519.ts";

/** The protocol was violated. */
export class Violation extends Error {
  override name = "Violation";
}

/** Everything ever stored in one room, including deleted events. */
export class RoomRecord {
  /** By position; position 0 is nothing. */
  readonly log: LogEvent[] = [];
  /** How many messages of each author were stored and deleted in one commit: nobody ever saw what they said. */
  readonly unseen = new Map<string, number>();
  readonly positions = new Map<EventId, number>();
  readonly lastN = new Map<string, LogEvent>();
  /** Number of stored messages and replies, and of each text. */
  messages = 0;
  readonly texts = new Map<string, number>();
  /** Authors that follow the protocol. */
  readonly honestAuthors = new Set<string>();
  /** Acks that a server sent, and final refusals. */
  readonly acked = new Map<EventId, number>();
  readonly refused = new Map<EventId, string>();
  /** Everything before it is deleted. */
  oldest = 1;

  get head(): number {
    return this.log.length;
  }

  at(position: number): LogEvent | undefined {
    return this.log[position - 1];
  }
}

/** The witness's state of one connection. */
interface LinkRecord {
  room: RoomRecord;
  /** Whether the client follows the protocol. */
  honest: boolean;
  /** The position that the client reported. */
  asked: LogPosition | undefined;
  welcomed: boolean;
  /** Position of the next event that may be sent. */
  next: number;
}

export class Witness {
  readonly #report: (violation: Violation) => void;
  readonly rooms = new Map<RoomId, RoomRecord>();
  readonly counts = {
    commits: 0,
    stored: 0,
    acks: 0,
    doubleAcks: 0,
    refusals: 0,
    problems: 0,
    goodbyes: 0,
    resumes: 0,
  };
  readonly refusalReasons = new Map<string, number>();
  readonly goodbyeReasons = new Map<string, number>();

  constructor(report: (violation: Violation) => void) {
    this.#report = report;
  }

  /** Wraps a database so that the witness sees its commits. */
  database(now: () => number): MemoryDatabase {
    // deno-lint-ignore no-this-alias
    const witness = this;
    return new class extends MemoryDatabase {
      override commit(...[checks, mutations]: Parameters<MemoryDatabase["commit"]>) {
        const result = super.commit(checks, mutations);
        if (result.ok) witness.#committed(this, mutations);
        return result;
      }
    }({ now });
  }

  room(id: RoomId): RoomRecord {
    let record = this.rooms.get(id);
    if (record === undefined) this.rooms.set(id, record = new RoomRecord());
    return record;
  }

  link(room: RoomId, honest: boolean): LinkRecord {
    return { room: this.room(room), honest, asked: undefined, welcomed: false, next: 0 };
  }

  // ---- commits ----

  #committed(database: MemoryDatabase, mutations: Parameters<MemoryDatabase["commit"]>[1]): void {
    this.counts.commits++;
    for (const { type, key } of mutations) {
      const [folder, room, position] = key;
      if (folder !== "event" || typeof room !== "string" || typeof position !== "number") continue;
      if (type === "set") this.#stored(this.room(room), room, position, database.read(key).value);
      else if (type === "delete") this.#deleted(this.room(room), position);
    }
  }

  #stored(record: RoomRecord, room: RoomId, position: number, value: unknown): void {
    const { entry } = entryOf(value as EventValue);
    const payload = JSON.stringify(entry);
    const read = readEntry(entry, room);
    if (!read.ok) return this.#broken(`something unreadable was stored at ${position}: ${payload}`);
    const { event } = read;
    if (event.room !== room) this.#broken(`an event of another room was stored at ${position}`);
    if (event.kind === "deleted") {
      if (position <= record.head) return this.#erased(record, position, event);
      record.unseen.set(event.author, (record.unseen.get(event.author) ?? 0) + 1);
    } else {
      void verifyEvent(fakeVerifier, event).then((valid) =>
        valid || this.#broken(`a forged event was stored: ${payload}`)
      );
    }
    if (position !== record.head + 1) {
      this.#broken(`stored at ${position} when the log's head was ${record.head}: ${payload}`);
    }
    const before = record.positions.get(event.id);
    if (before !== undefined) this.#broken(`stored twice, at ${before} and ${position}: ${payload}`);
    const last = record.lastN.get(event.author);
    if (event.n !== (last?.n ?? 0) + 1) {
      this.#broken(`number ${event.n} of its author was stored after number ${last?.n ?? 0}: ${payload}`);
    }
    record.log.push(event);
    record.positions.set(event.id, position);
    record.lastN.set(event.author, event);
    if (event.kind === "message" || event.kind === "reply") {
      const { text } = event.body;
      record.messages++;
      record.texts.set(text, (record.texts.get(text) ?? 0) + 1);
    }
    this.counts.stored++;
  }

  #erased(record: RoomRecord, position: number, event: DeletedEvent): void {
    const before = record.at(position);
    if (before === undefined || before.id !== event.id || before.author !== event.author || before.n !== event.n) {
      return this.#broken(`the stub at ${position} is of another event than ${JSON.stringify(before)}`);
    }
    if (!isErasable(before.kind)) this.#broken(`an event of kind ${before.kind} was erased at ${position}`);
    record.log[position - 1] = event;
  }

  #deleted(record: RoomRecord, position: number): void {
    if (position !== record.oldest) this.#broken(`${position} was deleted when the oldest was ${record.oldest}`);
    record.oldest = position + 1;
  }

  // ---- frames ----

  /** A server sends this frame now. */
  serverSends(link: LinkRecord, text: string): void {
    // The most frequent frames, with nothing to check here.
    if (text.startsWith('{"type":"presence"') || text.startsWith('{"type":"pong"')) return;
    const decoded = decodeServerFrame(text);
    if (!decoded.ok) return this.#broken(`the server sent a frame that is none (${decoded.problem}): ${text}`);
    const { frame } = decoded;
    const { room } = link;
    switch (frame.type) {
      case "welcome":
        if (link.welcomed) this.#broken("a second welcome");
        link.welcomed = true;
        link.next = frame.from;
        if (frame.mode === "resume") {
          this.counts.resumes++;
          if (frame.epoch !== link.asked?.epoch || frame.from !== link.asked.position + 1) {
            this.#broken(`resumes at ${frame.from}, and the client has ${JSON.stringify(link.asked)}`);
          }
        }
        // Logs never shrink in this simulation, so a shorter one would make the client discard events.
        if (frame.epoch === link.asked?.epoch && frame.head < link.asked.position) {
          this.#broken(`welcomed with a head of ${frame.head} a client that had ${link.asked.position}`);
        }
        if (frame.head > room.head) this.#broken(`a head of ${frame.head}, and stored is up to ${room.head}`);
        return;
      case "events":
        if (!link.welcomed) this.#broken("events before a welcome");
        if (frame.from !== link.next) this.#broken(`events from ${frame.from} on, and ${link.next} comes next`);
        link.next = frame.from + frame.events.length;
        return this.#areStored(room, frame.from, frame.events);
      case "page":
        if (frame.from + frame.events.length > frame.before) this.#broken("a page that goes beyond what was asked for");
        return this.#areStored(room, frame.from, frame.events);
      case "ack":
        for (const [id, position] of frame.acks) {
          this.counts.acks++;
          const stored = room.positions.get(id);
          if (stored === undefined) this.#broken(`acked before it was stored: ${id} at ${position}`);
          else if (stored !== position) this.#broken(`acked as ${position} and stored at ${stored}: ${id}`);
          if (room.acked.has(id)) this.counts.doubleAcks++;
          room.acked.set(id, position);
        }
        return;
      case "refused":
        this.counts.refusals++;
        this.refusalReasons.set(frame.reason, (this.refusalReasons.get(frame.reason) ?? 0) + 1);
        // A replay with a wrong signature is refused under the id of a valid event.
        if (link.honest && REFUSALS[frame.reason] === "final") {
          if (frame.reason !== "expired" && room.positions.has(frame.id)) {
            this.#broken(`refused as ${frame.reason}, and it is stored: ${frame.id}`);
          }
          room.refused.set(frame.id, frame.reason);
        }
        return;
      case "problem":
        this.counts.problems++;
        return;
      case "goodbye":
        this.counts.goodbyes++;
        this.goodbyeReasons.set(frame.reason, (this.goodbyeReasons.get(frame.reason) ?? 0) + 1);
        return;
    }
  }

  #areStored(room: RoomRecord, from: number, events: readonly LogEntry[]): void {
    events.forEach((entry, index) => {
      const stored = room.at(from + index);
      // An event that was read before it was deleted may still be in flight.
      const isLate = stored?.kind === "deleted" && !isStub(entry) && eventIdOf(entry[0]) === stored.id;
      if (!isLate && JSON.stringify(stored?.wire) !== JSON.stringify(entry)) {
        this.#broken(`sent as number ${from + index}, which is not what is stored there: ${JSON.stringify(entry)}`);
      }
    });
  }

  #broken(what: string): void {
    this.#report(new Violation(what));
  }
}
