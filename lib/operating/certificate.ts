/** A self-signed certificate for HTTPS on a LAN: browsers warn once, then allow camera and service worker. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { generate } from "selfsigned";

export interface Certificate {
  /** PEM. */
  cert: string;
  /** PEM, PKCS #8. */
  key: string;
  /** SHA-256, as browsers show it. */
  fingerprint: string;
}

/** Apple accepts no certificate that is valid for longer (support.apple.com/103769: 825 days for a private one). */
export const CERTIFICATE_DAYS = 397;
/** With less time left, a new one is made. */
const RENEW_DAYS = 7;
const DAY_MS = 86_400_000;

/**
 * The certificate in `folder`, or a new one when there is none, it expires soon, or it lacks one of the `names` (host names
 * and IP addresses). A phone that trusts it is not asked again while nothing changes. Throws the errors of writing files.
 */
export async function ownCertificate(folder: string, names: readonly string[], nowMs: number): Promise<Certificate> {
  const [cert, key] = await Promise.all([read(`${folder}/cert.pem`), read(`${folder}/key.pem`)]);
  if (cert !== undefined && key !== undefined && isGood(cert, names, nowMs)) return withFingerprint(cert, key);
  const made = await makeCertificate(names, nowMs);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  await Deno.writeTextFile(`${folder}/key.pem`, made.key, { mode: 0o600 });
  await Deno.writeTextFile(`${folder}/cert.pem`, made.cert);
  return made;
}

/** A new key (ECDSA P-256) and its self-signed certificate. */
export async function makeCertificate(names: readonly string[], nowMs: number): Promise<Certificate> {
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name }
  );
  const { cert, private: key } = await generate([{ name: "commonName", value: "Festival Chat on this network" }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    // A phone's clock may be behind.
    notBeforeDate: new Date(nowMs - DAY_MS),
    notAfterDate: new Date(nowMs + (CERTIFICATE_DAYS - 1) * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames },
    ],
  });
  return withFingerprint(cert, key);
}

function isGood(cert: string, names: readonly string[], nowMs: number): boolean {
  try {
    const parsed = new X509Certificate(cert);
    if (Date.parse(parsed.validTo) - nowMs < RENEW_DAYS * DAY_MS) return false;
    const known = (parsed.subjectAltName ?? "").split(", ").map((entry) => entry.replace(/^(DNS|IP Address):/, ""));
    return names.every((name) => known.includes(name));
  } catch {
    return false; // Not a certificate: half written, or somebody else's file.
  }
}

function withFingerprint(cert: string, key: string): Certificate {
  return { cert, key, fingerprint: new X509Certificate(cert).fingerprint256 };
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
