/**
 * Log-in of operators: one password, few tries, sessions that end, and a token in every form. A cookie is signed and
 * valid only while its session's record is in the database: log-out invalidates it on every instance.
 */
import type { Clock, Random } from "../../shared/environment.ts";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { isBase64UrlOf, toBase64Url } from "../../shared/base64url.ts";
import type { OperatorSession } from "../../store/operators/operator_sessions.ts";
import type { Store } from "../../store/store.ts";
import type { ServerConfig } from "../config/server_config.ts";
import { isPassword, isSameSecret } from "./password.ts";

export interface LoginDeps {
  store: Pick<Store, "operators" | "limits">;
  settings: ServerConfig["admin"] & { passwordHash: string };
  clock: Clock;
  random: Random;
}

/** A logged-in operator, as pages and the audit log see it. */
export interface Operator {
  /** The session's name in the database. */
  session: string;
  /** Its first characters, for the audit log. */
  by: string;
  /** Goes into every form. */
  token: string;
  createdAt: number;
}

/** `known`: for the cookie that later marks this browser as one that has logged in. */
export type LoginAnswer = { cookie: string; known: string; operator: Operator } | { problem: "wrong_password" } | {
  problem: "rate_limited";
  retryAfterMs: number;
};

/** The record is renewed at most this often, so that not every picture on a page costs a write. */
const SEEN_GRAIN_MS = 60_000;

const utf8 = new TextEncoder();

export class Login {
  readonly #deps: LoginDeps;
  readonly #key: Uint8Array;
  /** One hash at a time: each takes 32 MiB. */
  #checking: Promise<unknown> = Promise.resolve();

  constructor(deps: LoginDeps) {
    this.#deps = deps;
    // Another password invalidates every session and form.
    this.#key = hkdf(
      sha256,
      utf8.encode(deps.settings.passwordHash),
      undefined,
      utf8.encode("festival-chat/admin/1"),
      32,
    );
  }

  /**
   * Tries a password. A refused try costs no hash. A browser that has logged in before shows it by `known` and has tries
   * of its own: others who guess, from whatever addresses, cannot keep its operator out. Throws StorageUnavailable.
   */
  async logIn(password: string, address: string, known?: string): Promise<LoginAnswer> {
    const { store, settings, clock, random } = this.#deps;
    const now = clock.now();
    const browser = this.#browserOf(known);
    const waitMs = browser !== undefined
      ? await store.limits.take("admin browser", browser, settings.addressTries, now)
      : await store.limits.take("admin address", address, settings.addressTries, now) ??
        await store.limits.take("admin all", "", settings.allTries, now);
    if (waitMs !== undefined) return { problem: "rate_limited", retryAfterMs: waitMs };
    const checked = this.#checking.then(() => isPassword(password, settings.passwordHash));
    this.#checking = checked.catch(() => {}); // The caller below gets the error; the next check runs all the same.
    if (!await checked) return { problem: "wrong_password" };
    const id = toBase64Url(random.bytes(16));
    const until = now + settings.lifeMs;
    const record: OperatorSession = { createdAt: now, seenAt: now };
    await store.operators.put(sessionOf(id), record, settings.idleMs);
    const name = browser ?? toBase64Url(random.bytes(16));
    return {
      cookie: `${id}.${until}.${this.#mac(`session ${id} ${until}`)}`,
      known: `${name}.${this.#mac(`browser ${name}`)}`,
      operator: this.#operator(id, record),
    };
  }

  /**
   * The operator with this cookie; undefined when the cookie is not ours, has ended, or was logged out. `used`: the
   * operator did something, which keeps the log-in alive; a page that refreshes itself does not. Throws StorageUnavailable.
   */
  async operatorOf(cookie: string | undefined, { used = true } = {}): Promise<Operator | undefined> {
    const { store, settings, clock } = this.#deps;
    const [id, until, mac, ...rest] = cookie?.split(".") ?? [];
    if (!isBase64UrlOf(id, 16) || until === undefined || mac === undefined || rest.length > 0) return undefined;
    if (!isSameSecret(mac, this.#mac(`session ${id} ${until}`))) return undefined;
    const now = clock.now();
    const session = sessionOf(id);
    const record = await store.operators.get(session);
    if (record === undefined || now >= Number(until) || now - record.seenAt >= settings.idleMs) return undefined;
    if (used && now - record.seenAt >= SEEN_GRAIN_MS) {
      await store.operators.touch(session, now, Math.min(settings.idleMs, Number(until) - now));
    }
    return this.#operator(id, record);
  }

  /** The name of a browser that has logged in with this password before. */
  #browserOf(known = ""): string | undefined {
    const [name, mac, ...rest] = known.split(".");
    if (!isBase64UrlOf(name, 16) || mac === undefined || rest.length > 0) return undefined;
    return isSameSecret(mac, this.#mac(`browser ${name}`)) ? name : undefined;
  }

  async logOut(operator: Operator): Promise<void> {
    await this.#deps.store.operators.delete(operator.session);
  }

  /** Ends all log-ins on all instances. Returns how many there were. */
  async logOutAll(): Promise<number> {
    return await this.#deps.store.operators.deleteAll();
  }

  /** The token of the log-in form, for one device. */
  formToken(device: string): string {
    return this.#mac(`log-in form ${device}`);
  }

  /** Compares a token that came with a form, in constant time. */
  isToken(sent: unknown, token: string): boolean {
    return typeof sent === "string" && isSameSecret(sent, token);
  }

  #operator(id: string, { createdAt }: OperatorSession): Operator {
    const session = sessionOf(id);
    return { session, by: session.slice(0, 6), token: this.#mac(`form ${id}`), createdAt };
  }

  #mac(text: string): string {
    return toBase64Url(hmac(sha256, this.#key, utf8.encode(text)));
  }
}

/** A session's name in the database. Somebody who reads it cannot make a cookie from it. */
function sessionOf(id: string): string {
  return toBase64Url(sha256(utf8.encode(`festival-chat/session/1 ${id}`)).subarray(0, 16));
}
