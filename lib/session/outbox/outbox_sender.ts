/**
 * Sends what waits in one tab's outbox over its connection, in the order of `n`, as far as the connection, the rate
 * limit and the server's refusals allow.
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Event } from "../../kinds/kinds.ts";
import type { ServerConnection } from "../connection/server_connection.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import { SEND_MAX_EVENTS } from "../../protocol/limits.ts";
import type { SessionDeps } from "../ports/session_deps.ts";
import { ACK_TIMEOUT_MS, SEND_MAX_CHARS, TRANSPORT_FULL_PAUSE_MS } from "../ports/session_limits.ts";
import type { OutboxEntry } from "./outbox_state.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";

/** One entry of the outbox as this tab knows it. */
export interface OutboxItem {
  entry: OutboxEntry;
  /** The event with its content in the clear. Absent until signed. */
  event?: Event;
  /** When it was sent over the current connection and not answered yet. */
  sentAt?: number;
  /** Was counted by the rate limit; sending it again is free. */
  counted?: boolean;
  /** When this tab first had it signed, by the steady clock. */
  signedAt?: number;
  /** How many other phones have signed that they hold it; the stored state may lag behind. */
  phones?: number;
}

/** Entries that are neither stored nor refused, in the order of `n`. */
export function waitingOf(items: ReadonlyMap<number, OutboxItem>): OutboxItem[] {
  return [...items.values()].filter(({ entry }) => entry.refused === undefined).sort((a, b) => a.entry.n - b.entry.n);
}

export interface OutboxSenderDeps extends Pick<SessionDeps, "steady" | "timers"> {
  /** Everything in the outbox. */
  items: ReadonlyMap<number, OutboxItem>;
  connection: Pick<ServerConnection, "send" | "expectAnswer" | "answerOverdue">;
  /** How long a new event that this many other phones hold may wait for others before it goes to the server, ms. */
  serverDelayMs(phones: number): number;
  /** The item was sent, or is no longer in flight. */
  onSent(item: OutboxItem): void;
}

export class OutboxSender {
  readonly #deps: OutboxSenderDeps;
  /** Limits of the open connection; undefined without one. */
  #limits: { inFlight: number } | undefined;
  readonly #rateLimiter = new RateLimiter({ burst: 1, everyMs: 0 });
  #heldUntil = 0;
  #cancelTimer: Cancel | undefined;

  constructor(deps: OutboxSenderDeps) {
    this.#deps = deps;
  }

  get isConnected(): boolean {
    return this.#limits !== undefined;
  }

  connected({ inFlight, messageBurst, messageEveryMs }: ServerFrame<"welcome">["limits"]): void {
    this.#limits = { inFlight };
    this.#rateLimiter.limit = { burst: messageBurst, everyMs: messageEveryMs };
    this.pump();
  }

  disconnected(): void {
    this.#limits = undefined;
    this.#stopTimer();
    for (const item of this.#deps.items.values()) this.notSent(item);
  }

  /** The item is no longer in flight. */
  notSent(item: OutboxItem): void {
    this.#setSent(item, undefined);
  }

  /** Sends nothing for this long: the server asked to wait. */
  hold(forMs: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#deps.steady.now() + forMs);
  }

  /** Everything from `n` on has to be sent again. */
  rewind(n: number): void {
    for (const item of this.#deps.items.values()) if (item.entry.n >= n) this.notSent(item);
  }

  /** Sends what may be sent now and schedules the rest. `hurried`: nothing waits for others to travel with. */
  pump(hurried = false): void {
    const now = this.#deps.steady.now();
    this.#stopTimer();
    if (this.#limits === undefined) return;
    if (this.#heldUntil > now) return this.#pumpIn(this.#heldUntil - now);
    const waiting = waitingOf(this.#deps.items);
    let inFlight = waiting.filter(({ sentAt }) => sentAt !== undefined).length;
    const batch: OutboxItem[] = [];
    let chars = 0;
    const lazyMs = hurried || waiting.length >= SEND_MAX_EVENTS ? 0 : this.#lazyMs(waiting, now);
    for (const item of waiting) {
      if (item.sentAt !== undefined) continue;
      // Unsigned or unreadable: the server would refuse everything after it.
      if (item.event === undefined || inFlight >= this.#limits.inFlight) break;
      if (lazyMs > 0) {
        this.#pumpIn(lazyMs);
        break;
      }
      const waitMs = item.counted ? 0 : this.#rateLimiter.take(now);
      if (waitMs > 0) {
        this.#pumpIn(waitMs);
        break;
      }
      item.counted = true;
      inFlight++;
      const size = item.event.wire[0].length;
      if (batch.length === SEND_MAX_EVENTS || (batch.length > 0 && chars + size > SEND_MAX_CHARS)) {
        if (!this.#send(batch.splice(0))) return this.#pumpIn(TRANSPORT_FULL_PAUSE_MS);
        chars = 0;
      }
      batch.push(item);
      chars += size;
    }
    if (batch.length > 0 && !this.#send(batch)) return this.#pumpIn(TRANSPORT_FULL_PAUSE_MS);
    if (this.#cancelTimer === undefined && inFlight > 0) this.#pumpIn(ACK_TIMEOUT_MS);
    const oldest = Math.min(...waiting.map(({ sentAt }) => sentAt ?? Infinity));
    // The transport is alive and delivers no acks.
    if (now - oldest >= ACK_TIMEOUT_MS) this.#deps.connection.answerOverdue("no ack");
  }

  /** Time until the first unsent event has waited long enough, ms; the others go with it. */
  #lazyMs(waiting: readonly OutboxItem[], now: number): number {
    const dueAt = waiting.filter(({ event, sentAt }) => event !== undefined && sentAt === undefined)
      .map(({ signedAt = 0, phones, entry }) => signedAt + this.#deps.serverDelayMs(phones ?? entry.phones ?? 0));
    return Math.min(...dueAt) - now;
  }

  #send(batch: readonly OutboxItem[]): boolean {
    if (!this.#deps.connection.send({ type: "send", events: batch.map(({ event }) => event!.wire) })) return false;
    for (const item of batch) this.#setSent(item, this.#deps.steady.now());
    this.#deps.connection.expectAnswer();
    return true;
  }

  #setSent(item: OutboxItem, sentAt: number | undefined): void {
    if (item.sentAt === sentAt) return;
    if (sentAt === undefined) delete item.sentAt;
    else item.sentAt = sentAt;
    this.#deps.onSent(item);
  }

  #pumpIn(delayMs: number): void {
    this.#cancelTimer ??= this.#deps.timers.after(delayMs, () => this.pump());
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}
