/** The page "Bans". */
import { isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import { countChars } from "../../shared/checks.ts";
import type { RoomId } from "../../protocol/event.ts";
import type { Ban } from "../../store/operators/runtime_settings.ts";
import { type Done, OperatorPage } from "./actions.ts";
import type { Operator } from "./login.ts";

export const REASON_MAX_CHARS = 200;
const YEAR_MS = 366 * 86_400_000;

export class BansPage extends OperatorPage {
  /** All bans, each with its room's code, or the room's id where it has no code. */
  async list(): Promise<{ ban: Ban; where: string | undefined }[]> {
    const { store, server: { settings } } = this.deps;
    const { bans } = settings;
    const ids = [...new Set(bans.flatMap(({ room }) => room ?? []))];
    const codes = new Map(await Promise.all(ids.map(async (id) => [id, (await store.rooms.byId(id))?.code] as const)));
    return bans.map((ban) => ({ ban, where: ban.room && (codes.get(ban.room) ?? ban.room) }));
  }

  async add(
    { by }: Operator,
    asked: { kind: Ban["kind"]; who: string; room?: RoomId; withDevice?: boolean; reason: string; minutes: number },
  ): Promise<Done> {
    const { store, server: { settings }, environment: { clock, random } } = this.deps;
    const { kind, room, minutes } = asked;
    const who = asked.who.trim();
    if (!isBase64UrlOf(who, kind === "key" ? 32 : 12)) return { ok: false, problem: "bad_key" };
    if (room !== undefined && !isBase64UrlOf(room, 16)) return { ok: false, problem: "no_such_room" };
    if (!(minutes >= 1 && minutes * 60_000 <= YEAR_MS)) return { ok: false, problem: "bad_time" };
    const reason = asked.reason.trim();
    if (countChars(reason) > REASON_MAX_CHARS) return { ok: false, problem: "too_long" };
    const at = clock.now();
    const id = toBase64Url(random.bytes(12));
    await this.deps.audit.write(by, "banned", { ban: id, kind, who, room: room ?? "everywhere", minutes });
    const put = await store.settings.putBan({
      id,
      kind,
      who,
      ...room !== undefined && { room },
      ...kind === "key" && asked.withDevice === true && { withDevice: true },
      reason,
      at,
      until: at + minutes * 60_000,
    }, at);
    await settings.refresh();
    return put ? { ok: true } : { ok: false, problem: "too_many" };
  }

  async lift({ by }: Operator, id: string): Promise<Done> {
    if (!isBase64UrlOf(id, 12)) return { ok: false, problem: "bad_key" };
    await this.deps.audit.write(by, "ban_lifted", { ban: id });
    await this.deps.store.settings.liftBan(id);
    await this.deps.server.settings.refresh();
    return { ok: true };
  }
}
