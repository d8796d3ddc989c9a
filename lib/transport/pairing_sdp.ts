/**
 * Converts between pairing codes and session descriptions (RFC 8866, JSEP: RFC 9429). Both phones make an offer and use
 * the other's code as its answer, so both can show and scan at once and each scans only once. ICE resolves the role
 * conflict (RFC 8445 section 7.3.1.1); the fingerprints decide the DTLS roles.
 */
import { fromBase64Url, toBase64Url } from "../shared/base64url.ts";
import { addressType, type PairingCode } from "../protocol/peer/pairing_code.ts";

/** The parts of an own description that a code carries. Undefined without a SHA-256 fingerprint or ICE credentials. */
export function pairingOf(sdp: string): Pick<PairingCode, "fingerprint" | "ufrag" | "pwd" | "addresses"> | undefined {
  const fingerprint = hexBytes(/^a=fingerprint:sha-256 ([0-9A-F:]+)\r?$/im.exec(sdp)?.[1]);
  const ufrag = /^a=ice-ufrag:(\S+)\r?$/m.exec(sdp)?.[1], pwd = /^a=ice-pwd:(\S+)\r?$/m.exec(sdp)?.[1];
  if (fingerprint?.length !== 32 || ufrag === undefined || pwd === undefined) return undefined;
  const addresses = [...sdp.matchAll(/^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host/gim)]
    .map(([, host, port]) => ({ host: host!, port: Number(port) }))
    .filter(({ host }) => addressType(host) !== undefined);
  return { fingerprint: toBase64Url(fingerprint), ufrag, pwd, addresses };
}

/** The answer of the phone with this code to the own `offer`. */
export function pairingAnswer(code: PairingCode, offer: string): string {
  const mine = pairingOf(offer)?.fingerprint ?? "";
  const mid = /^a=mid:(\S+)\r?$/m.exec(offer)?.[1] ?? "0";
  const hex = [...fromBase64Url(code.fingerprint)!].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  return [
    "v=0",
    "o=- 1 1 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mid}`,
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${code.ufrag}`,
    `a=ice-pwd:${code.pwd}`,
    `a=fingerprint:sha-256 ${hex.toUpperCase()}`,
    `a=setup:${code.fingerprint < mine ? "active" : "passive"}`,
    `a=mid:${mid}`,
    "a=sctp-port:5000",
    "a=max-message-size:262144",
    ...code.addresses.map(({ host, port }, at) =>
      // Priority of host candidates, earlier ones first (RFC 8445 section 5.1.2.1).
      `a=candidate:${at + 1} 1 udp ${2 ** 24 * 126 + 2 ** 8 * (65_535 - at) + 255} ${host} ${port} typ host`
    ),
    "",
  ].join("\r\n");
}

function hexBytes(text: string | undefined): Uint8Array | undefined {
  const parts = text?.split(":");
  if (parts === undefined || !parts.every((part) => /^[0-9A-F]{2}$/i.test(part))) return undefined;
  return Uint8Array.from(parts, (part) => parseInt(part, 16));
}
