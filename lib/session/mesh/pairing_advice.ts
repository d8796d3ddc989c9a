/** Why two phones that scanned each other may not connect, judged by their codes. Pure. */
import { addressType, type PairingCode } from "../../protocol/peer/pairing_code.ts";

/** Two phones in one network connect within this. Then the advice is shown while they go on trying. */
export const PAIRING_PATIENCE_MS = 12_000;

export type PairingAdvice =
  /** The other phone may not have scanned this one's code. */
  | "scan_back"
  /** This phone, or the other one, has no network. */
  | "no_network"
  | "their_no_network"
  /** The browser of this phone, or of the other one, shows only an mDNS name, which the network has to resolve. */
  | "hidden"
  | "their_hidden"
  /** Their addresses are in different networks. */
  | "other_network"
  /** One network, and still no path: it isolates its clients. */
  | "isolated";

export function pairingAdvice(mine: PairingCode, theirs: PairingCode): PairingAdvice[] {
  const [ours, others] = [typesOf(mine), typesOf(theirs)];
  if (ours.size === 0) return ["no_network"];
  if (others.size === 0) return ["their_no_network"];
  const advice: PairingAdvice[] = ["scan_back"];
  const names = (types: ReadonlySet<string>) => types.size === 1 && types.has("mdns");
  if (names(ours)) advice.push("hidden");
  if (names(others)) advice.push("their_hidden");
  if (ours.has("ipv4") && others.has("ipv4")) advice.push(sameNetwork(mine, theirs) ? "isolated" : "other_network");
  else if (advice.length === 1) advice.push("isolated");
  return advice;
}

function typesOf({ addresses }: PairingCode): Set<string> {
  return new Set(addresses.map(({ host }) => addressType(host) ?? ""));
}

/** Whether two IPv4 addresses share their first three bytes, as in nearly every Wi-Fi. */
function sameNetwork(one: PairingCode, other: PairingCode): boolean {
  const networks = (code: PairingCode) =>
    code.addresses.filter(({ host }) => addressType(host) === "ipv4").map(({ host }) =>
      host.slice(0, host.lastIndexOf("."))
    );
  const theirs = new Set(networks(other));
  return networks(one).some((network) => theirs.has(network));
}
