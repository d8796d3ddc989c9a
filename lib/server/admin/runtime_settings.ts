/**
 * The operators' settings as this instance applies them: limits in the running configuration, bans, notices, suggested
 * rooms. One watch reports changes; a slow recheck makes up for lost ones and lets bans and notices end in time.
 */
import type { Cancel } from "../../shared/environment.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { toBase64Url } from "../../shared/base64url.ts";
import type { AuthorKey, RoomId, WireEvent } from "../../protocol/event.ts";
import { mergeNotices, type Notice, type NoticeId, readNotice } from "../../protocol/notice.ts";
import type { Ban, SuggestedRoom } from "../../store/operators/runtime_settings.ts";
import type { Store } from "../../store/store.ts";
import type { Verifier } from "../../crypto/signing.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { type LimitView, RUNTIME_LIMITS } from "../limits/runtime_limits.ts";
import { type Environment, type OnFailure, repeat } from "../environment.ts";
import { publicKeyOf } from "./operator_key.ts";

/** Everything is read again this often, with or without a notification. */
const RECHECK_MS = 15_000;

export interface RuntimeSettingsDeps {
  store: Pick<Store, "settings">;
  verifier: Verifier;
  /** Changed in place. */
  config: ServerConfig;
  environment: Environment;
  /** Notices changed: people in rooms get the new ones. */
  onNotices(): void;
  /** Bans changed: some connections may have to end. */
  onBans(): void;
  onFailure: OnFailure;
}

/** The name by which operators and the database know a device; its cookie stays with the device. */
export function deviceHash(device: string): string {
  return toBase64Url(sha256(new TextEncoder().encode(`festival-chat/ban/1 ${device}`)).subarray(0, 12));
}

export class RuntimeSettings {
  readonly #deps: RuntimeSettingsDeps;
  /** Settings without any operator's change. */
  readonly configured: ServerConfig;
  readonly #closing = new AbortController();
  readonly #listening: Promise<void>;
  readonly #cancelRecheck: Cancel;
  #reading: Promise<void> | undefined;
  #readAgain = false;
  #limits: Record<string, number> = {};
  #bans: readonly Ban[] = [];
  #notices: readonly Notice[] = [];
  #suggested: readonly SuggestedRoom[] = [];
  /** Whether the operator signed it; of the current notices to everybody. */
  #signed = new Map<NoticeId, Promise<boolean>>();

  constructor(deps: RuntimeSettingsDeps) {
    this.#deps = deps;
    this.configured = structuredClone(deps.config);
    this.#listening = this.#listen();
    this.#cancelRecheck = repeat(deps.environment.timers, () => RECHECK_MS, () => this.#tryRefresh());
  }

  get limits(): LimitView[] {
    return RUNTIME_LIMITS.map(({ name, min, max, read }) => {
      const value = read(this.#deps.config);
      const source = name in this.#limits ? "operator" as const : "configuration" as const;
      return { name, value, configured: read(this.configured), source, min, max };
    });
  }

  get bans(): readonly Ban[] {
    return this.#bans;
  }

  get suggested(): readonly SuggestedRoom[] {
    return this.#suggested;
  }

  /** Current notices and withdrawals. */
  get notices(): readonly Notice[] {
    const now = this.#deps.environment.clock.now();
    return this.#notices.filter(({ until }) => until > now);
  }

  /** The current `notices` frame; undefined when there are none. */
  get noticesFrame(): string | undefined {
    const notices = this.notices.map(({ wire }) => wire);
    return notices.length === 0 ? undefined : JSON.stringify({ type: "notices", notices });
  }

  /**
   * Notices to all rooms, and withdrawals, as far as this server's operator signed them, for pages outside of rooms. The
   * server renders these itself, so it checks them.
   */
  async broadcasts(): Promise<WireEvent[]> {
    const { config: { admin: { operatorKey } }, verifier } = this.#deps;
    const ours = operatorKey === undefined ? undefined : publicKeyOf(operatorKey);
    const current = this.notices.filter((notice) =>
      notice.operator === ours && (notice.kind === "withdrawal" || notice.rooms === undefined)
    );
    const before = this.#signed;
    this.#signed = new Map(
      current.map(({ id, operator, wire }) => [id, before.get(id) ?? verifier.verify(operator, ...wire)]),
    );
    const signed = await Promise.all(this.#signed.values());
    return current.filter((_, at) => signed[at]).map(({ wire }) => wire);
  }

  /** The ban that keeps this author out of this room, if any. */
  bansKey(author: AuthorKey, room: RoomId): Ban | undefined {
    return this.#bans.length === 0 ? undefined : this.#find("key", author, room);
  }

  /** The ban that keeps this device out of this room, if any. */
  bansDevice(device: string, room: RoomId): Ban | undefined {
    // Hashes each connection's device only while there are bans.
    return this.#bans.some(({ kind }) => kind === "device")
      ? this.#find("device", deviceHash(device), room)
      : undefined;
  }

  /** A banned key came from this device: bans the device for as long as the key, and in the same rooms. */
  banDeviceToo(ban: Ban, device: string): void {
    const { store, environment: { clock, random }, onFailure } = this.#deps;
    const who = deviceHash(device);
    if (this.#bans.some((other) => other.kind === "device" && other.who === who && other.until >= ban.until)) return;
    const { withDevice: _, ...rest } = ban;
    const now = clock.now();
    const own: Ban = { ...rest, id: toBase64Url(random.bytes(12)), kind: "device", who, at: now };
    this.#bans = [...this.#bans, own];
    store.settings.putBan(own, now).catch(onFailure); // The device is banned when the key comes again.
  }

  /** Reads everything now, so that a change applies without waiting for the watch. Throws StorageUnavailable. */
  async refresh(): Promise<void> {
    if (this.#reading !== undefined) {
      this.#readAgain = true;
      return await this.#reading;
    }
    this.#reading = this.#readOn().finally(() => this.#reading = undefined);
    await this.#reading;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#cancelRecheck();
    await this.#listening;
    await this.#reading?.catch(() => {}); // Its caller reports it to `onFailure`.
  }

  #find(kind: Ban["kind"], who: string, room: RoomId): Ban | undefined {
    const now = this.#deps.environment.clock.now();
    return this.#bans.find((ban) =>
      ban.kind === kind && ban.who === who && (ban.room === undefined || ban.room === room) && ban.until > now
    );
  }

  async #listen(): Promise<void> {
    for await (const _ of this.#deps.store.settings.listen(this.#closing.signal)) await this.#tryRefresh();
  }

  async #tryRefresh(): Promise<void> {
    await this.refresh().catch(this.#deps.onFailure); // The next recheck tries again.
  }

  async #readOn(): Promise<void> {
    do {
      this.#readAgain = false;
      await this.#read();
    } while (this.#readAgain && !this.#closing.signal.aborted);
  }

  async #read(): Promise<void> {
    const { store, config, environment: { clock }, onNotices, onBans } = this.#deps;
    const now = clock.now();
    const { limits, notices, suggested, bans } = await store.settings.read(now);
    if (this.#closing.signal.aborted) return;
    this.#limits = limits;
    for (const { name, write, read, min, max } of RUNTIME_LIMITS) {
      const value = limits[name];
      // Another version of the server may have set a value that this one does not allow.
      const usable = value !== undefined && value >= min && value <= max;
      if (!usable) delete limits[name];
      const next = usable ? value : read(this.configured);
      if (next !== read(config)) write(config, next);
    }
    this.#suggested = suggested;
    const before = this.#notices.map(({ id }) => id).join();
    this.#notices = mergeNotices([], notices.flatMap((wire: WireEvent) => readNotice(wire) ?? []), now);
    const banned = this.#bans.map(({ id }) => id).join();
    this.#bans = bans;
    if (before !== this.#notices.map(({ id }) => id).join()) onNotices();
    if (banned !== bans.map(({ id }) => id).join()) onBans();
  }
}
