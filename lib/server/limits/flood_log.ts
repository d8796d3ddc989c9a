/**
 * One line in the log when an address begins to exceed its limits and one when that is over, so that operators see a flood
 * and are not flooded by it. The address is a hash that is salted anew every day: the same today, and no address tomorrow.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { BoundedMap } from "../../shared/bounded.ts";
import type { Cancel } from "../../shared/environment.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import type { Environment } from "../environment.ts";

/** Limits that a flood exceeds. */
export type FloodKind = "events" | "connections" | "rooms" | "codes";

/** Refusals within `WINDOW_MS` that are a flood: no honest crowd gets so many, because each client waits as it is told. */
const FLOOD_REFUSALS = 200;
const WINDOW_MS = 10_000;
/** Without a refusal for this long a flood is over. */
const QUIET_MS = 30_000;
/** Addresses that are counted at a time; the least recently refused is forgotten first. */
const ADDRESSES_MAX = 1_000;
const DAY_MS = 86_400_000;

interface Refusals {
  since: number;
  lastAt: number;
  /** Within the window, or since the flood began. */
  counts: Partial<Record<FloodKind, number>>;
  /** The name in the log; undefined while this is no flood. */
  name: string | undefined;
}

export class FloodLog {
  readonly #deps: Environment;
  readonly #refusals = new BoundedMap<string, Refusals>(ADDRESSES_MAX);
  #salt: { day: number; bytes: Uint8Array } | undefined;
  readonly #floods = new Set<Refusals>();
  #cancelLook: Cancel | undefined;

  constructor(deps: Environment) {
    this.#deps = deps;
  }

  close(): void {
    this.#cancelLook?.();
  }

  /** Something of this address was refused for its rate. */
  refused(kind: FloodKind, address: string): void {
    const now = this.#deps.clock.now();
    const before = this.#refusals.get(address);
    const isOver = before === undefined || (before.name === undefined && Math.abs(now - before.since) > WINDOW_MS);
    const refusals: Refusals = isOver ? { since: now, lastAt: now, counts: {}, name: undefined } : before;
    refusals.counts[kind] = (refusals.counts[kind] ?? 0) + 1;
    refusals.lastAt = now;
    this.#refusals.set(address, refusals);
    if (refusals.name === undefined && total(refusals) >= FLOOD_REFUSALS) this.#begin(address, refusals, now);
  }

  #begin(address: string, refusals: Refusals, now: number): void {
    refusals.name = this.#nameOf(address, now);
    this.#floods.add(refusals);
    this.#deps.log(`flood from ${refusals.name} begins: ${shown(refusals)} refused`);
    this.#cancelLook ??= this.#lookLater();
  }

  #lookLater(): Cancel {
    const { timers, clock, log } = this.#deps;
    return timers.after(QUIET_MS, () => {
      for (const refusals of this.#floods) {
        if (clock.now() - refusals.lastAt < QUIET_MS) continue;
        const seconds = Math.round((refusals.lastAt - refusals.since) / 1_000);
        log(`flood from ${refusals.name} is over after ${seconds} s: ${shown(refusals)} refused`);
        this.#floods.delete(refusals);
        Object.assign(refusals, { name: undefined, counts: {}, since: clock.now() });
      }
      this.#cancelLook = this.#floods.size > 0 ? this.#lookLater() : undefined;
    });
  }

  #nameOf(address: string, now: number): string {
    const day = Math.floor(now / DAY_MS);
    if (this.#salt?.day !== day) this.#salt = { day, bytes: this.#deps.random.bytes(16) };
    const text = new TextEncoder().encode(address);
    return toBase64Url(sha256(new Uint8Array([...this.#salt.bytes, ...text])).subarray(0, 6));
  }
}

function total({ counts }: Refusals): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function shown({ counts }: Refusals): string {
  return Object.entries(counts).map(([kind, count]) => `${count} ${kind}`).join(", ");
}
