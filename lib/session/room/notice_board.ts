/**
 * The operator's notices on this device: which key is the operator's, which notices are in force, and which were
 * acknowledged. They are stored to be shown without a network, and passed on to peers. Rules: docs/PROTOCOL.md,
 * "Notices".
 */
import type { Cancel } from "../../shared/environment.ts";
import type { Verifier } from "../../crypto/signing.ts";
import { isBase64UrlOf } from "../../shared/base64url.ts";
import { type AuthorKey, readWireEvent, type RoomId, type WireEvent } from "../../protocol/event.ts";
import { isRecord } from "../../shared/checks.ts";
import { NOTICES_MAX } from "../../protocol/limits.ts";
import { readMeshConfig } from "../../protocol/peer/mesh_config.ts";
import { mergeNotices, type Notice, noticesFor, readNotice } from "../../protocol/notice.ts";
import type { NoticeView } from "../model/notices_model.ts";
import type { SessionDeps } from "../ports/session_deps.ts";

/** Where a device stores the notices. */
export interface NoticeStorage {
  read(): string | undefined;
  write(text: string): void;
  /** Calls `hear` when another tab may have written. */
  listen(hear: () => void): Cancel;
}

export interface NoticeBoardDeps extends Pick<SessionDeps, "clock" | "timers" | "log"> {
  /** Undefined outside of rooms, where only notices for everybody are shown. */
  room: RoomId | undefined;
  verifier: Verifier;
  storage: NoticeStorage;
  /** Requests `GET /mesh/config`, which names the operator's key. */
  fetchConfig(): Promise<unknown>;
  /** Shows these notices, at once and after each change. */
  show(views: readonly NoticeView[]): void;
}

/** The stored state. */
interface Kept {
  operator: AuthorKey | undefined;
  notices: readonly Notice[];
  acknowledged: readonly string[];
}

/** Longest timer for the end of a notice: longer ones overflow in browsers. */
const WAIT_MAX_MS = 3_600_000;

export class NoticeBoard {
  readonly #deps: NoticeBoardDeps;
  #kept: Kept;
  /** How far the server's clock is ahead. Notices end by that clock. */
  #aheadMs = 0;
  #taking: Promise<unknown> = Promise.resolve();
  #asking: Promise<void> | undefined;
  #disposed = false;
  #follow: (notices: readonly WireEvent[]) => void = () => {};
  #cancelWait: Cancel = () => {};
  readonly #stopListening: Cancel;

  constructor(deps: NoticeBoardDeps) {
    this.#deps = deps;
    this.#kept = readKept(deps.storage.read());
    this.#stopListening = deps.storage.listen(() => this.#readAgain());
    this.#publish();
  }

  /** Calls `tell` with the notices for peers, now and after each change. */
  follow(tell: (notices: readonly WireEvent[]) => void): Cancel {
    this.#follow = tell;
    tell(this.#wires);
    return () => this.#follow = () => {};
  }

  /** The server names the operator's key; undefined: there is no operator. */
  learn(operator: AuthorKey | undefined): void {
    if (operator === this.#kept.operator) return;
    const notices = this.#kept.notices.filter((notice) => notice.operator === operator);
    this.#keep({ ...this.#kept, operator, notices });
  }

  /**
   * Takes notices. `forged`: one names the operator's key and is not signed by it. `refused`: one is of another
   * operator.
   */
  take(
    wires: readonly WireEvent[],
    from: "server" | "peer",
    aheadMs?: number,
  ): Promise<"good" | "forged" | "refused"> {
    if (aheadMs !== undefined) this.#aheadMs = aheadMs;
    const taken = this.#taking.then(() => this.#take(wires, from));
    this.#taking = taken.catch((error) => this.#deps.log(`notices could not be checked: ${error}`));
    return taken;
  }

  acknowledge(id: string): void {
    const held = new Set(this.#kept.notices.map(({ id }) => id));
    const acknowledged = [...this.#kept.acknowledged.filter((other) => held.has(other)), id].slice(-NOTICES_MAX);
    this.#keep({ ...this.#kept, acknowledged });
  }

  dispose(): void {
    this.#disposed = true;
    this.#follow = () => {};
    this.#cancelWait();
    this.#stopListening();
  }

  get #now(): number {
    return this.#deps.clock.now() + this.#aheadMs;
  }

  get #wires(): WireEvent[] {
    return this.#kept.notices.filter(({ until }) => until > this.#now).map(({ wire }) => wire);
  }

  async #take(wires: readonly WireEvent[], from: "server" | "peer"): Promise<"good" | "forged" | "refused"> {
    const read = wires.map(readNotice).filter((notice) => notice !== undefined);
    const fresh = read.filter(({ id }) => !this.#kept.notices.some((held) => held.id === id));
    // Only the server itself can say whether an unknown key is the operator's.
    if (from === "server" && fresh.some(({ operator }) => operator !== this.#kept.operator)) await this.#ask();
    // Notices of other keys are not verified, so nobody can keep a phone busy by signing many.
    const ours = fresh.filter(({ operator }) => operator === this.#kept.operator);
    for (const { operator, wire } of ours) {
      if (!await this.#deps.verifier.verify(operator, ...wire)) return "forged";
    }
    const verdict = read.length < wires.length || ours.length < fresh.length ? "refused" : "good";
    const notices = mergeNotices(this.#kept.notices, ours, this.#now);
    if (!isSame(notices, this.#kept.notices)) this.#keep({ ...this.#kept, notices });
    else this.#publish();
    return verdict;
  }

  #ask(): Promise<void> {
    return this.#asking ??= this.#deps.fetchConfig().then((answer) => {
      const config = readMeshConfig(answer);
      if (config !== undefined) this.learn(config.operator);
    }).catch((error) => this.#deps.log(`the operator's key could not be asked for: ${error}`))
      .finally(() => this.#asking = undefined);
  }

  #keep(kept: Kept): void {
    const changed = !isSame(kept.notices, this.#kept.notices);
    this.#kept = kept;
    const { operator, notices, acknowledged } = kept;
    this.#deps.storage.write(JSON.stringify({ operator, notices: notices.map(({ wire }) => wire), acknowledged }));
    if (changed) this.#follow(this.#wires);
    this.#publish();
  }

  #readAgain(): void {
    const kept = readKept(this.#deps.storage.read());
    const changed = !isSame(kept.notices, this.#kept.notices);
    this.#kept = kept;
    if (changed) this.#follow(this.#wires);
    this.#publish();
  }

  #publish(): void {
    this.#cancelWait();
    if (this.#disposed) return;
    const { notices, acknowledged } = this.#kept;
    const shown = noticesFor(this.#deps.room, notices, this.#now).filter(({ id }) => !acknowledged.includes(id));
    this.#deps.show(shown.map(({ id, urgency, text, at, until }) => ({
      id,
      urgency,
      text,
      at: at - this.#aheadMs,
      until: until - this.#aheadMs,
    })));
    if (shown.length === 0) return;
    const next = Math.min(...shown.map(({ until }) => until)) - this.#now;
    this.#cancelWait = this.#deps.timers.after(Math.min(Math.max(next, 0), WAIT_MAX_MS), () => this.#publish());
  }
}

function isSame(a: readonly Notice[], b: readonly Notice[]): boolean {
  return a.length === b.length && a.every(({ id }, at) => id === b[at]!.id);
}

/** Stored notices were verified before; anything else in the storage is ignored. */
function readKept(text: string | undefined): Kept {
  const nothing: Kept = { operator: undefined, notices: [], acknowledged: [] };
  if (text === undefined) return nothing;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return nothing;
  }
  if (!isRecord(value) || !Array.isArray(value.notices) || !Array.isArray(value.acknowledged)) return nothing;
  const operator = isBase64UrlOf(value.operator, 32) ? value.operator : undefined;
  const notices = value.notices.slice(0, NOTICES_MAX).flatMap((wire: unknown) => {
    const read = readWireEvent(wire);
    return read && readNotice(read) || [];
  });
  return { operator, notices, acknowledged: value.acknowledged.filter((id: unknown) => typeof id === "string") };
}
