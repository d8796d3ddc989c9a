/** Number of hex digits kept: 64 bits, so that no two builds or files of a project share a hash. */
const HASH_DIGITS = 16;

/** Returns a short SHA-256 of the bytes, for ETags and build ids. */
export async function shortHash(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return digest.toHex().slice(0, HASH_DIGITS);
}
