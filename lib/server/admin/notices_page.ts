/** The page "Broadcast": notices that the operator's key signs. */
import { countChars } from "../../shared/checks.ts";
import type { AuthorKey, RoomId } from "../../protocol/event.ts";
import { NOTICE_MAX_CHARS, NOTICE_MAX_ROOMS, NOTICES_MAX } from "../../protocol/limits.ts";
import { encodeNotice, mergeNotices, type Notice, type NoticeUrgency, readNotice } from "../../protocol/notice.ts";
import type { AuditEntry } from "../../store/operators/audit.ts";
import { type Done, OperatorPage, type PageDeps } from "./actions.ts";
import type { Operator } from "./login.ts";
import { publicKeyOf, signAsOperator } from "./operator_key.ts";
import type { RoomsPage } from "./rooms_page.ts";

const BROADCAST_MAX_MINUTES = 7 * 24 * 60;

export class NoticesPage extends OperatorPage {
  readonly #rooms: Pick<RoomsPage, "find">;

  constructor(deps: PageDeps, rooms: Pick<RoomsPage, "find">) {
    super(deps);
    this.#rooms = rooms;
  }

  /** The public key that notices are signed with; undefined when there is none. */
  get operatorKey(): AuthorKey | undefined {
    const { operatorKey } = this.deps.server.config.admin;
    return operatorKey === undefined ? undefined : publicKeyOf(operatorKey);
  }

  async broadcast(
    { by }: Operator,
    asked: { urgency: NoticeUrgency; text: string; rooms: readonly string[]; minutes: number },
  ): Promise<Done<{ notice: Notice }>> {
    const { operatorKey } = this.deps.server.config.admin;
    const { environment: { clock } } = this.deps;
    if (operatorKey === undefined) return { ok: false, problem: "no_key" };
    const text = asked.text.replaceAll("\r\n", "\n").trim();
    if (text === "" || !text.isWellFormed()) return { ok: false, problem: "empty" };
    if (countChars(text) > NOTICE_MAX_CHARS) return { ok: false, problem: "too_long" };
    if (!(asked.minutes >= 1 && asked.minutes <= BROADCAST_MAX_MINUTES)) return { ok: false, problem: "bad_time" };
    if (asked.rooms.length > NOTICE_MAX_ROOMS) return { ok: false, problem: "too_many" };
    const rooms: RoomId[] = [];
    for (const typed of asked.rooms) {
      const room = await this.#rooms.find(typed);
      if (room === undefined) return { ok: false, problem: "no_such_room", what: typed };
      rooms.push(room.id);
    }
    const at = clock.now();
    const until = at + Math.round(asked.minutes * 60_000);
    const content = { urgency: asked.urgency, text, ...rooms.length > 0 && { rooms } };
    const wire = signAsOperator(operatorKey, encodeNotice(publicKeyOf(operatorKey), { at, until }, content));
    const notice = readNotice(wire)!;
    return await this.#putNotice(by, notice, {
      notice: notice.id,
      urgency: asked.urgency,
      rooms: rooms.length === 0 ? "all" : rooms.length,
      until: new Date(until).toISOString(),
    });
  }

  async withdraw({ by }: Operator, id: string): Promise<Done<{ notice: Notice }>> {
    const { operatorKey } = this.deps.server.config.admin;
    const { server: { settings }, environment: { clock } } = this.deps;
    if (operatorKey === undefined) return { ok: false, problem: "no_key" };
    const notice = settings.notices.find((notice) => notice.id === id && notice.kind === "notice");
    if (notice === undefined) return { ok: false, problem: "no_such_notice" };
    const times = { at: Math.min(clock.now(), notice.until - 1), until: notice.until };
    const wire = signAsOperator(operatorKey, encodeNotice(publicKeyOf(operatorKey), times, { of: id }));
    return await this.#putNotice(by, readNotice(wire)!, { withdrawn: id });
  }

  async #putNotice(by: string, notice: Notice, details: AuditEntry["details"]): Promise<Done<{ notice: Notice }>> {
    const { store, server: { settings }, environment: { clock } } = this.deps;
    await this.deps.audit.write(by, notice.kind === "notice" ? "notice_sent" : "notice_withdrawn", details);
    const put = await store.settings.changeNotices((wires) => {
      const held = wires.flatMap((wire) => readNotice(wire) ?? []).filter(({ until }) => until > clock.now());
      // A withdrawal replaces its notice; a new notice must not push out another one.
      if (notice.kind === "notice" && held.length >= NOTICES_MAX) return undefined;
      return mergeNotices(held, [notice], clock.now()).map(({ wire }) => wire);
    });
    await settings.refresh();
    return put ? { ok: true, notice } : { ok: false, problem: "too_many" };
  }
}
