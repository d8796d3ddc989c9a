/**
 * The events that one connection sends: limits and shape are checked at once, signatures in the order of the frames,
 * and every event is answered by an ack or a refusal.
 */
import { type EventId, eventIdOf, type WireEvent } from "../../protocol/event.ts";
import { type Event, readEvent } from "../../kinds/kinds.ts";
import type { Person, ServerFrame } from "../../protocol/frames.ts";
import { SEND_MAX_EVENTS } from "../../protocol/limits.ts";
import { type Verifier, verifyEvent } from "../../crypto/signing.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import type { RuntimeSettings } from "../admin/runtime_settings.ts";
import type { ServerConfig } from "../config/server_config.ts";
import type { Environment } from "../environment.ts";
import type { FloodLog } from "../limits/flood_log.ts";
import type { EventBudgets } from "../limits/event_budgets.ts";
import type { Overload } from "../limits/overload.ts";
import type { Outcome, Sender, Submission } from "../rooms/committer.ts";
import type { Hub } from "../rooms/hub.ts";
import type { Visitor } from "./connection.ts";
import type { ServerStats } from "../stats/server_stats.ts";

export interface EventIntakeDeps {
  verifier: Verifier;
  config: Pick<ServerConfig, "limits" | "commit">;
  environment: Pick<Environment, "clock" | "random">;
  budgets: Pick<EventBudgets, "take">;
  floods: Pick<FloodLog, "refused">;
  visitor: Visitor;
  settings: Pick<RuntimeSettings, "bansKey">;
  overload: Pick<Overload, "load" | "takesEvent" | "retryAfterMs">;
  stats: ServerStats;
}

/** The part of the session that the intake uses. */
export interface IntakeConnection {
  /** The person at the other end. */
  person(): Person;
  /** The person's first event is stored. */
  spoke(): void;
  isClosed(): boolean;
  /** Sends a frame. */
  tell(frame: ServerFrame): void;
  push(text: string): void;
  /** Counts an event that no correct client sends; `weight` is below 1 for one that a correct client sends seldom. */
  strike(weight?: number): void;
  /** Resolves when `step` has ended; an error in it ends this connection only. */
  run(place: string, step: Promise<void>): Promise<void>;
}

/** Those who share an address are refused together, and must not all come back together. */
const RETRY_SPREAD_MS = 1_000;

export class EventIntake implements Sender {
  readonly #deps: EventIntakeDeps;
  readonly #connection: IntakeConnection;
  readonly #events: RateLimiter;
  /** Of those, events of other authors than the connection's person. */
  readonly #carried: RateLimiter;
  #inFlight = 0;
  /** The person has no event in the room yet. */
  #isNew = false;
  /** Ends when all signatures of the frames so far are checked: events are submitted in the order of their frames. */
  #checked = Promise.resolve();
  #acks: [EventId, number][] = [];
  #refusals: string[] = [];

  constructor(deps: EventIntakeDeps, connection: IntakeConnection) {
    this.#deps = deps;
    this.#connection = connection;
    this.#events = new RateLimiter(deps.config.limits.connectionEvents);
    this.#carried = new RateLimiter(deps.config.limits.connectionCarriedEvents);
  }

  /** The connection's person has joined; `lastN`: the number of the person's last event, 0 without any. */
  joined(lastN: number): void {
    this.#isNew = lastN === 0;
  }

  /** Takes the events of one `send` frame. */
  take(hub: Hub, wires: readonly WireEvent[]): void {
    const { config: { limits, commit }, environment: { clock }, overload, settings, stats } = this.#deps;
    const arrivedAt = stats.clock.now();
    const toCheck: Submission[] = [];
    for (const wire of wires) {
      if (!overload.takesEvent()) {
        this.#refuse(eventIdOf(wire[0]), "overloaded", { retryAfterMs: overload.retryAfterMs() });
        continue;
      }
      // Before anything costly: a flood costs a hash each, no signature check and no database.
      const waitMs = this.#events.take(clock.now());
      if (waitMs > 0) {
        this.#refuse(eventIdOf(wire[0]), "rate_limited", { retryAfterMs: waitMs });
        this.#deps.floods.refused("events", this.#deps.visitor.address);
        // A lagging server reads at once what was sent over seconds, so this need not be a flood.
        if (overload.load.level === "normal") this.#connection.strike(1 / SEND_MAX_EVENTS);
      } else if (this.#inFlight >= limits.inFlightEvents) {
        this.#refuse(eventIdOf(wire[0]), "overloaded", { retryAfterMs: commit.retryAfterMs });
      } else {
        const read = readEvent(wire);
        const chargeMs = read.ok ? this.#charge(hub, read.event, clock.now()) : 0;
        if (read.ok && chargeMs > 0) {
          this.#refuse(read.event.id, "rate_limited", { retryAfterMs: chargeMs });
          this.#deps.floods.refused("events", this.#deps.visitor.address);
          if (overload.load.level === "normal") this.#connection.strike(1 / SEND_MAX_EVENTS);
        } else if (read.ok && settings.bansKey(read.event.author, hub.room.id) !== undefined) {
          this.#refuse(read.event.id, "banned");
        } else if (read.ok) {
          this.#inFlight++;
          toCheck.push({ event: read.event, sender: this, arrivedAt });
        } else {
          const { reason, field } = read.problem;
          this.#refuse(eventIdOf(wire[0]), reason, { field });
          this.#connection.strike();
        }
      }
    }
    this.#flushRefusals();
    if (toCheck.length === 0) return;
    this.#checked = this.#checked.then(() => this.#connection.run("checking signatures", this.#check(hub, toCheck)));
  }

  /** Charges an event to the connection and its address. Returns 0, or the ms to wait: each client another time. */
  #charge(hub: Hub, { author, wire: [payload] }: Event, nowMs: number): number {
    const { budgets, visitor: { address }, environment: { random } } = this.#deps;
    const isOwn = author === this.#connection.person().author;
    const origin = !isOwn ? "carried" : this.#isNew ? "first" : "own";
    const waitMs = (isOwn ? 0 : this.#carried.wait(nowMs)) ||
      budgets.take({ room: hub.room.id, address, origin, bytes: payload.length }, nowMs);
    if (waitMs > 0) return waitMs + Math.round(random.fraction() * RETRY_SPREAD_MS);
    if (!isOwn) this.#carried.take(nowMs);
    return 0;
  }

  async #check(hub: Hub, submissions: readonly Submission[]): Promise<void> {
    const { verifier } = this.#deps;
    const valid = await Promise.all(submissions.map(({ event }) => verifyEvent(verifier, event)));
    if (this.#connection.isClosed()) return;
    for (const [index, { event }] of submissions.entries()) {
      if (valid[index]) continue;
      this.#inFlight--;
      this.#refuse(event.id, "bad_signature");
      this.#connection.strike();
    }
    this.#flushRefusals();
    const signed = submissions.filter((_, index) => valid[index]);
    if (signed.length > 0 && !this.#connection.isClosed()) hub.submit(signed);
  }

  answer(id: EventId, outcome: Outcome): void {
    this.#inFlight--;
    if (outcome.type === "stored") {
      if (this.#isNew) this.#connection.spoke();
      this.#isNew = false;
      this.#acks.push([id, outcome.position]);
    } else {
      const { type: _, reason, ...more } = outcome;
      this.#refuse(id, reason, more);
    }
  }

  flushAnswers(): void {
    const acks = this.#acks;
    this.#acks = [];
    if (acks.length > 0) this.#connection.tell({ type: "ack", acks });
    this.#flushRefusals();
  }

  #refuse(id: EventId, reason: string, more: { retryAfterMs?: number; expectedN?: number; field?: string } = {}) {
    this.#deps.stats.count("refusals", reason);
    this.#refusals.push(JSON.stringify({ type: "refused", id, reason, ...more }));
  }

  #flushRefusals(): void {
    const refusals = this.#refusals;
    this.#refusals = [];
    for (const text of refusals) this.#connection.push(text);
  }
}
