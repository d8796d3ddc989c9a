/** What of a file's information an ETag is made from. */
export interface FileInfo {
  mtime: Date | null;
  size: number;
}

/** What {@linkcode eTag} accepts. */
export interface ETagOptions {
  /** Default: "SHA-256". */
  algorithm?: AlgorithmIdentifier;
  /** Whether the tag says "equivalent" and not "the same bytes". Default: true for file information only. */
  weak?: boolean;
}

/** Characters of the base64 digest that a tag keeps. */
const DIGEST_CHARACTERS = 27;

/** The ETag of a text, of bytes, or of file information; undefined for a file of unknown age. */
export function eTag(entity: string | Uint8Array<ArrayBuffer>, options?: ETagOptions): Promise<string>;
export function eTag(entity: FileInfo, options?: ETagOptions): Promise<string | undefined>;
export async function eTag(
  entity: string | Uint8Array<ArrayBuffer> | FileInfo,
  { algorithm = "SHA-256", weak }: ETagOptions = {},
): Promise<string | undefined> {
  const isContent = typeof entity === "string" || entity instanceof Uint8Array;
  if (!isContent && entity.mtime === null) return undefined;
  const hashed = isContent ? entity : entity.mtime!.toJSON();
  const bytes = typeof hashed === "string" ? new TextEncoder().encode(hashed) : hashed;
  const size = isContent ? bytes.byteLength : entity.size;
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, bytes));
  const tag = `"${size.toString(16)}-${digest.toBase64().slice(0, DIGEST_CHARACTERS)}"`;
  return (weak ?? !isContent) ? `W/${tag}` : tag;
}

function tagsOf(header: string): string[] {
  return header.trim().split(/\s*,\s*/);
}

/** Whether an If-Match header allows the request: strong comparison (RFC 9110 §13.1.1). */
export function ifMatch(value: string | null, etag: string | undefined): boolean {
  if (!value || !etag || etag.startsWith("W/")) return false;
  return value.trim() === "*" || tagsOf(value).includes(etag);
}

/** Whether an If-None-Match header asks for the content: false means 304. Weak comparison (RFC 9110 §13.1.2). */
export function ifNoneMatch(value: string | null, etag: string | undefined): boolean {
  if (!value || !etag) return true;
  if (value.trim() === "*") return false;
  const opaque = (tag: string) => tag.replace(/^W\//, "");
  return !tagsOf(value).map(opaque).includes(opaque(etag));
}
