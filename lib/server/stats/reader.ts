/** Guards /metrics and /analytics: public, or only for readers who present FESTIVAL_METRICS_TOKEN. */
import { BoundedMap } from "../../shared/bounded.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import { isSameSecret } from "../admin/password.ts";

/** Wrong tokens from one address; beyond them only that address waits, so that nobody can lock out a scraper. */
const WRONG_TRIES = { burst: 20, everyMs: 1_000 };
/** Addresses that are remembered for this; the oldest is forgotten first. */
const GUESSING_MAX = 1_000;

export class FigureReaders {
  readonly #token: string | undefined;
  readonly #guessing = new BoundedMap<string, { wrong: RateLimiter; waitUntil: number }>(GUESSING_MAX);

  constructor(token: string | undefined) {
    this.#token = token;
  }

  /** The answer to a refused reader; undefined: may read. Scripts send the token as Bearer, browsers as Basic password. */
  refusal(headers: Headers, address: string, nowMs: number): Response | undefined {
    if (this.#token === undefined) return undefined;
    if (nowMs < (this.#guessing.get(address)?.waitUntil ?? 0)) return refused(429, { "retry-after": "1" });
    const token = tokenIn(headers.get("authorization") ?? "");
    if (token !== undefined && isSameSecret(token, this.#token)) return undefined;
    // A request without a token is asked for one; only a wrong token counts as a try.
    if (token !== undefined) this.#tried(address, nowMs);
    return refused(401, { "www-authenticate": `Basic realm="figures", charset="UTF-8"` });
  }

  #tried(address: string, nowMs: number): void {
    const guesser = this.#guessing.get(address) ?? { wrong: new RateLimiter(WRONG_TRIES), waitUntil: 0 };
    this.#guessing.set(address, guesser);
    guesser.waitUntil = nowMs + guesser.wrong.take(nowMs);
  }
}

function refused(status: number, headers: Record<string, string>): Response {
  return new Response("The token of the figures is needed.\n", {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers },
  });
}

function tokenIn(authorization: string): string | undefined {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  try {
    return atob(value).replace(/^[^:]*:/, "");
  } catch {
    return ""; // Not base64: a wrong token.
  }
}
