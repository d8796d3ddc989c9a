/**
 * Compresses static files, which the published Fresh sends uncompressed: the room's script would be three times as large.
 * Pages are never compressed: they may contain typed text beside secrets (BREACH).
 */
import { acceptsEncodings } from "@std/http/negotiation";
import type { Middleware } from "fresh";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

type Encoding = "br" | "gzip";

/** All compressed forms together; the files of a build are 0.5 MB. Beyond it, files are sent uncompressed. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

/** Below this size the extra headers cost as much as compression saves. */
const MIN_BYTES = 256;

const COMPRESSIBLE = /^text\/|javascript|json|xml/;

const COMPRESS: Record<Encoding, (content: Uint8Array) => Uint8Array<ArrayBuffer>> = {
  // 5 takes 10 ms for the largest script, once; 11 takes a second and saves 7 %.
  br: (content) => new Uint8Array(brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })),
  gzip: (content) => new Uint8Array(gzipSync(content)),
};

/** Goes before `staticFiles()`. Changes only answers with an ETag, which static files of a production build have. */
export function compressedFiles<State>(maxKeptBytes = MAX_KEPT_BYTES): Middleware<State> {
  /** Null: it did not fit. At most two entries per file of the build. */
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
    // Also for clients that accept no compression: a cache on the way must not give them a compressed answer.
    response.headers.append("vary", "Accept-Encoding");
    const encoding = encodingFor(ctx.req);
    if (ctx.req.method !== "GET" || response.status !== 200 || encoding === undefined) return response;

    // Not the path: one file has many spellings.
    const key = `${encoding} ${etag}`;
    if (!kept.has(key)) {
      const content = new Uint8Array(await response.arrayBuffer());
      // Another request may have compressed it meanwhile.
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

/** The best encoding that the client accepts. */
function encodingFor(request: Request): Encoding | undefined {
  if (!request.headers.has("accept-encoding")) return undefined;
  return (["br", "gzip"] as const).find((encoding) => acceptsEncodings(request, encoding) === encoding);
}
