/** Pages that are the same for every visitor: rendered at most once a second, however often they are asked for. */
import type { Clock, Random } from "../../shared/environment.ts";
import { toBase64Url } from "../../shared/base64url.ts";
import { define } from "./route_helpers.ts";

/** How long a page is answered from memory. */
const REMEMBERED_MS = 1_000;

interface RememberedPage {
  at: number;
  answer: Promise<{ status: number; headers: Headers; text: string; nonce: string | undefined }>;
}

/**
 * Remembers the home page, the page of addresses that do not exist and, where everybody may read them, the figures. Goes after the middlewares that add something of
 * the visitor to an answer, and before the policy. Every answer has a nonce of its own.
 */
export function rememberedPages(
  { clock, random, publicFigures }: { clock: Clock; random: Random; publicFigures: boolean },
) {
  const pages = new Map<string, RememberedPage>();
  return define.middleware(async (ctx) => {
    const key = pageKey(ctx.req.method, ctx.url, ctx.route, publicFigures);
    if (key === undefined) return await ctx.next();
    const now = clock.now();
    let page = pages.get(key);
    if (page === undefined || Math.abs(now - page.at) >= REMEMBERED_MS) {
      const rendering = page = { at: now, answer: ctx.next().then(read) };
      pages.set(key, page);
      rendering.answer.then(({ status }) => status >= 500, () => true).then((failed) => {
        // The next visitor tries again; those who wait get the same answer.
        if (failed && pages.get(key) === rendering) pages.delete(key);
      });
    }
    const { status, headers, text, nonce } = await page.answer;
    if (nonce === undefined) return new Response(text, { status, headers });
    const own = toBase64Url(random.bytes(16));
    const ownHeaders = [...headers].map(([name, value]): [string, string] => [name, value.replaceAll(nonce, own)]);
    return new Response(text.replaceAll(nonce, own), { status, headers: ownHeaders });
  });
}

/** Names the page if it is one of those; undefined if it is another, or depends on more than its name. */
function pageKey(
  method: string,
  { origin, pathname, search }: URL,
  route: string | null,
  publicFigures: boolean,
): string | undefined {
  if (method !== "GET") return undefined;
  if (publicFigures && pathname === "/analytics" && RANGES.includes(search)) {
    return `figures ${search} ${origin}`.slice(0, 300);
  }
  // The page names its own origin, for links with a picture.
  if (pathname === "/" && search === "") return `home ${origin}`.slice(0, 300);
  return route === null && !DIFFERENT.test(pathname) ? `none ${origin}`.slice(0, 300) : undefined;
}

/** Without one the page shows the last hour. */
const RANGES = ["", "?range=hour", "?range=day"];

/** Below these the document has other parts, or other answers than a page. */
const DIFFERENT = /^\/(?:admin|analytics|api|s)(?:\/|$)|\.\w+$/;

async function read(response: Response) {
  const { status, headers } = response;
  const [, nonce] = /'nonce-([^']+)'/.exec(headers.get("content-security-policy") ?? "") ?? [];
  return { status, headers, text: await response.text(), nonce };
}
