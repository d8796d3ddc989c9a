/** Guards the figures (/metrics, /analytics, most of /health): for everybody, or for readers with FESTIVAL_METRICS_TOKEN. */
import { BoundedMap } from "../../shared/bounded.ts";
import { RateLimiter } from "../../shared/rate_limiter.ts";
import { isSameSecret } from "../admin/password.ts";

/** Wrong tokens from one address; beyond them only that address waits, so that nobody can lock out a scraper. */
const WRONG_TRIES = { burst: 20, everyMs: 1_000 };
/** Addresses that are remembered for this; the oldest is forgotten first. */
const GUESSING_MAX = 1_000;

export class FigureReaders {
  readonly #isPublic: boolean;
  readonly #token: string | undefined;
  readonly #guessing = new BoundedMap<string, { wrong: RateLimiter; waitUntil: number }>(GUESSING_MAX);

  constructor({ publicFigures, token }: { publicFigures: boolean; token: string | undefined }) {
    this.#isPublic = publicFigures;
    this.#token = token;
  }

  /** The answer to a refused reader; undefined: may read. Scripts send the token as Bearer, browsers as Basic password. */
  refusal(headers: Headers, address: string, nowMs: number): Response | undefined {
    if (this.#isPublic) return undefined;
    if (this.#token === undefined) return refused(403, {}, CLOSED);
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

const CLOSED = `The figures of this server are not public.
To read them, log in at /admin and come back. To open them, its operator sets FESTIVAL_METRICS_TOKEN (for readers with the
token) or FESTIVAL_FIGURES=public (for everybody).
`;
const TOKEN_NEEDED = "To read the figures of this server, present their token, or log in at /admin.\n";

function refused(status: number, headers: Record<string, string>, text = TOKEN_NEEDED): Response {
  return new Response(text, {
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
