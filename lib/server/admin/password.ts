/** The operator's password: kept as a salted scrypt hash (RFC 7914), compared in constant time. */
import { Buffer } from "node:buffer";
import { createHash, scrypt, timingSafeEqual } from "node:crypto";
import { fromBase64Url, toBase64Url } from "../../shared/base64url.ts";

/** Work of new hashes: 2^15 blocks of 8, 32 MiB, about 100 ms. */
const LOG_N = 15, BLOCK = 8, PARALLEL = 1;
const SALT_BYTES = 16, HASH_BYTES = 32;
/** Most work that a hash may ask for; more would block the server at each try. */
const LOG_N_MAX = 17;

/** Shortest password that is hashed: guessing gets 8,640 tries a day over all addresses. */
export const PASSWORD_MIN_CHARS = 12;
/** Longest text that is checked as a password. */
export const PASSWORD_MAX_CHARS = 200;

interface PasswordHash {
  logN: number;
  block: number;
  parallel: number;
  salt: Uint8Array;
  hash: Uint8Array;
}

/**
 * Reads `scrypt.15.8.1.SALT.HASH`: base 2 logarithm of N, r, p, then salt and hash in base64url. No character in it is
 * special to a shell or a compose file. Undefined when it is not such a text.
 */
export function readPasswordHash(text: string): PasswordHash | undefined {
  const parts = /^scrypt\.(\d{1,2})\.(\d{1,2})\.(\d{1,2})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(text);
  if (parts === null) return undefined;
  const [logN, block, parallel] = parts.slice(1, 4).map(Number) as [number, number, number];
  const [salt, hash] = [fromBase64Url(parts[4]!), fromBase64Url(parts[5]!)];
  if (logN < 10 || logN > LOG_N_MAX || block < 1 || block > 16 || parallel < 1 || parallel > 4) return undefined;
  if (salt === undefined || salt.length < SALT_BYTES || hash?.length !== HASH_BYTES) return undefined;
  return { logN, block, parallel, salt, hash };
}

/** The text for FESTIVAL_ADMIN_PASSWORD_HASH. */
export async function hashPassword(password: string, salt: Uint8Array): Promise<string> {
  const hash = await derive(password, { logN: LOG_N, block: BLOCK, parallel: PARALLEL, salt });
  return `scrypt.${LOG_N}.${BLOCK}.${PARALLEL}.${toBase64Url(salt)}.${toBase64Url(hash)}`;
}

/** Whether this password has this hash. Takes the same time for every wrong password of the same length. */
export async function isPassword(password: string, hash: string): Promise<boolean> {
  const read = readPasswordHash(hash);
  if (read === undefined || password.length > PASSWORD_MAX_CHARS) return false;
  return timingSafeEqual(await derive(password, read), read.hash);
}

/** Compares secrets by their hashes, so that the time reveals nothing about either. */
export function isSameSecret(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function derive(password: string, { logN, block, parallel, salt }: Omit<PasswordHash, "hash">): Promise<Uint8Array> {
  const cost = 2 ** logN;
  return new Promise((resolve, reject) => {
    scrypt(
      Buffer.from(password.normalize("NFKC"), "utf8"),
      salt,
      HASH_BYTES,
      { cost, blockSize: block, parallelization: parallel, maxmem: 256 * cost * block },
      (error, key) => error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });
}
