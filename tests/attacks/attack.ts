/**
 * One attack as a test, in two forms: the short one, at most 20 s, in every run of the tests; the full one, minutes, by
 * `deno task attack`. Both print their figures, and fail with all of those that are out of bounds.
 */
import { AssertionError } from "@std/assert";
import { withSecondTry } from "../support/second_try.ts";
import { skipped } from "../support/skipping.ts";

/** Set by `deno task attack`. */
export const FULL_FORM = "FESTIVAL_ATTACK_FULL";
/** Whether this is the full form. */
export const isFull = Deno.env.get(FULL_FORM) === "1";

export interface Form {
  /** The value for this form. */
  pick<T>(short: T, full: T): T;
  findings: Findings;
}

/** Only Linux has the whole of 127.0.0.0/8 as addresses of the machine itself. */
const hasAddresses = Deno.build.os === "linux";
if (!hasAddresses) skipped("attacks on the built server", "only Linux has a source address for every attacker");

/** Declares an attack. `id`: its row in the table of attacks. */
export function attack(id: string, rule: string, run: (form: Form) => Promise<void>): void {
  const name = `${id}: ${rule}`;
  const once = async () => {
    const findings = new Findings(`${id}, ${isFull ? "full" : "short"} form: ${rule}`);
    await run({ pick: (short, full) => isFull ? full : short, findings });
    findings.judge();
  };
  Deno.test({ name, ignore: !hasAddresses, fn: () => withSecondTry(name, once) });
}

/** The figures of an attack and their bounds. */
export class Findings {
  readonly #title: string;
  readonly #lines: { text: string; ok: boolean }[] = [];

  constructor(title: string) {
    this.#title = title;
  }

  atMost(what: string, value: number, bound: number): void {
    this.#lines.push({ text: `${what}: ${shown(value)}, at most ${shown(bound)}`, ok: value <= bound });
  }

  atLeast(what: string, value: number, bound: number): void {
    this.#lines.push({ text: `${what}: ${shown(value)}, at least ${shown(bound)}`, ok: value >= bound });
  }

  /** A figure without a bound. */
  note(what: string, value: unknown): void {
    this.#lines.push({
      text: `${what}: ${Deno.inspect(value, { breakLength: Infinity, compact: true, iterableLimit: 50 })}`,
      ok: true,
    });
  }

  /** Prints everything. Throws if anything is out of bounds. */
  judge(): void {
    const lines = this.#lines.map(({ text, ok }) => `  ${ok ? "    " : "NOT "} ${text}`);
    console.log(`${this.#title}\n${lines.join("\n")}`);
    const broken = this.#lines.filter(({ ok }) => !ok);
    if (broken.length > 0) throw new AssertionError(`out of bounds:\n${broken.map(({ text }) => text).join("\n")}`);
  }
}

/**
 * A bound in ms on a machine that other work may slow down: the figure, or three times that of the quiet phase of the
 * same run where that is more; never above three times the figure.
 */
export function withinOrSlow(boundMs: number, quietMs: number): number {
  return Math.max(boundMs, 3 * Math.min(boundMs, quietMs));
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
