/**
 * Static files in their compressed form, where the framework sends them as they are: the published Fresh stores no other
 * form, and the room's script is three times as large then. Pages are never compressed: what somebody typed may stand in
 * them beside what nobody else must know (BREACH).
 */
import { acceptsEncodings } from "@std/http/negotiation";
import type { Middleware } from "fresh";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

type Encoding = "br" | "gzip";

/** All compressed forms together; the files of a build are 0.5 MB. What comes when it is full is sent as it is. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** Below this size the headers that tell of a compressed form take what it saves. */
const MIN_BYTES = 256;

const COMPRESSIBLE = /^text\/|javascript|json|xml/;

const COMPRESS: Record<Encoding, (content: Uint8Array) => Uint8Array<ArrayBuffer>> = {
  // 5 takes 10 ms for the largest script, once; 11 takes a second and saves 7 %.
  br: (content) => new Uint8Array(brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })),
  gzip: (content) => new Uint8Array(gzipSync(content)),
};

/** Comes before `staticFiles()`. Only answers with an ETag are changed: static files of a production build have one. */
export function compressedFiles<State>(maxKeptBytes = MAX_KEPT_BYTES): Middleware<State> {
  /** Null: there was no room for it. As many entries as the build has files, twice. */
  const kept = new Map<string, Uint8Array<ArrayBuffer> | null>();
  let keptBytes = 0;

  function keep(key: string, compressed: Uint8Array<ArrayBuffer>): void {
    const fits = keptBytes + compressed.byteLength <= maxKeptBytes;
    kept.set(key, fits ? compressed : null);
    if (fits) keptBytes += compressed.byteLength;
  }

  return async (ctx) => {
    const response = await ctx.next();
    const etag = response.headers.get("etag");
    if (etag === null || response.headers.has("content-encoding") || !isLargeText(response.headers)) return response;
    // Also for who takes no compressed form: a cache on the way must not give this one to others.
    response.headers.append("vary", "Accept-Encoding");
    const encoding = encodingFor(ctx.req);
    if (ctx.req.method !== "GET" || response.status !== 200 || encoding === undefined) return response;

    // Not the path, which may be written in many ways.
    const key = `${encoding} ${etag}`;
    if (!kept.has(key)) {
      const content = new Uint8Array(await response.arrayBuffer());
      // Somebody else may have asked for it meanwhile.
      if (!kept.has(key)) keep(key, COMPRESS[encoding](content));
      if (kept.get(key) === null) return new Response(content, response);
    }
    const body = kept.get(key);
    if (!body) return response;
    if (!response.bodyUsed) await response.body?.cancel();
    const headers = new Headers(response.headers);
    headers.set("content-encoding", encoding);
    headers.set("content-length", String(body.byteLength));
    return new Response(body, { headers });
  };
}

function isLargeText(headers: Headers): boolean {
  return COMPRESSIBLE.test(headers.get("content-type") ?? "") && Number(headers.get("content-length")) >= MIN_BYTES;
}

/** The best form that the client says it takes. */
function encodingFor(request: Request): Encoding | undefined {
  if (!request.headers.has("accept-encoding")) return undefined;
  return (["br", "gzip"] as const).find((encoding) => acceptsEncodings(request, encoding) === encoding);
}
