/**
 * Sends static files in the compressed forms that the build has stored beside them (lib/build). Pages are never
 * compressed: what somebody typed may stand in them beside secrets (BREACH).
 */
import { acceptsEncodings } from "@std/http/negotiation";
import type { Middleware } from "fresh";
import { join } from "node:path";

/** Endings of the stored forms by encoding, best first. */
const SUFFIXES = { br: ".br", gzip: ".gz" } as const;
type Encoding = keyof typeof SUFFIXES;
const ENCODINGS = Object.keys(SUFFIXES) as Encoding[];

/** Encodings in which each file is stored, by its URL path. */
type StoredForms = ReadonlyMap<string, readonly Encoding[]>;

/**
 * Comes before `staticFiles()`. Changes only answers with an ETag: static files of a production build have one.
 * @param dir the folder of the build's static files; nothing is compressed if it is missing
 */
export function compressedFiles<State>(dir: string): Middleware<State> {
  const forms = storedForms(dir);
  return async (ctx) => {
    const response = await ctx.next();
    const stored = forms.get(ctx.url.pathname);
    if (stored === undefined || !response.headers.has("etag")) return response;
    // Also on uncompressed answers: a cache on the way must not give them to others, nor this one to them.
    response.headers.append("vary", "Accept-Encoding");
    const encoding = encodingFor(ctx.req, stored);
    if (ctx.req.method !== "GET" || response.status !== 200 || encoding === undefined) return response;

    await response.body?.cancel();
    const body = await Deno.readFile(join(dir, ctx.url.pathname + SUFFIXES[encoding]));
    const headers = new Headers(response.headers);
    headers.set("content-encoding", encoding);
    headers.set("content-length", String(body.byteLength));
    return new Response(body, { headers });
  };
}

function storedForms(dir: string): StoredForms {
  const forms = new Map<string, Encoding[]>();
  const list = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(join(dir, folder))) {
      if (isDirectory) list(`${folder}${name}/`);
      const encoding = ENCODINGS.find((encoding) => name.endsWith(SUFFIXES[encoding]));
      if (encoding === undefined) continue;
      const path = folder + name.slice(0, -SUFFIXES[encoding].length);
      forms.set(path, [...forms.get(path) ?? [], encoding]);
    }
  };
  try {
    list("/");
  } catch (error) {
    // The development server has no build.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return forms;
}

/** Picks the best stored form that the client says it accepts. */
function encodingFor(request: Request, stored: readonly Encoding[]): Encoding | undefined {
  if (!request.headers.has("accept-encoding")) return undefined;
  return ENCODINGS.find((encoding) => stored.includes(encoding) && acceptsEncodings(request, encoding) === encoding);
}
