/**
 * A small internet on this machine, made of Linux network namespaces: a public network with the server, and homes, each
 * behind its own NAT. It is separate from the machine's own network.
 *
 *   phone 192.168.1.2 ── lan [home: NAT] wan 198.51.100.1x ── bridge [public] 198.51.100.1: server, relay
 *
 * The NATs are of the strictest kind: each connection gets a random port, and unsolicited inbound packets are dropped
 * (address- and port-dependent mapping and filtering, RFC 4787).
 */
import { findChromium } from "../support/chromium.ts";
import { installPackages, isFile } from "../support/debian_packages.ts";

/** The address of the server and the relay. */
export const PUBLIC_ADDRESS = "198.51.100.1";

const PROGRAMS = { ip: "iproute2", iptables: "iptables", turnserver: "coturn" };
const PREFIX = "festival-nat-";

/** A network; `down` ends everything in it. */
export interface Network {
  /** Namespace of the server and the relay. */
  readonly public: string;
  /** Namespaces of the phones, one per home. */
  readonly phones: readonly string[];
  down(): Promise<void>;
}

/** Builds a network with this many homes. */
export async function buildNetwork(homes: number): Promise<Network> {
  const name = (what: string) => `${PREFIX}${Deno.pid}-${what}`;
  const world = name("public");
  const made = [world];
  const down = async () => {
    for (const namespace of made) await removeNamespace(namespace);
  };
  try {
    await ip(`netns add ${world}`);
    await ip(`-n ${world} link set lo up`);
    await ip(`-n ${world} link add bridge type bridge`);
    await ip(`-n ${world} addr add ${PUBLIC_ADDRESS}/24 dev bridge`);
    await ip(`-n ${world} link set bridge up`);
    // Packets to unknown addresses are lost, as on the internet: an immediate error would end the relay's session.
    await ip(`-n ${world} neigh add 198.51.100.254 lladdr 02:00:00:00:00:01 dev bridge`);
    await ip(`-n ${world} route add default via 198.51.100.254`);
    const phones: string[] = [];
    for (let home = 0; home < homes; home++) {
      const [router, phone] = [name(`home-${home}`), name(`phone-${home}`)];
      for (const namespace of [router, phone]) {
        await ip(`netns add ${namespace}`);
        made.push(namespace);
        await ip(`-n ${namespace} link set lo up`);
      }
      await ip(`link add wan netns ${router} type veth peer name home-${home} netns ${world}`);
      await ip(`-n ${world} link set home-${home} master bridge up`);
      await ip(`-n ${router} addr add 198.51.100.${10 + home}/24 dev wan`);
      await ip(`-n ${router} link set wan up`);
      await ip(`link add lan netns ${router} type veth peer name wifi netns ${phone}`);
      await ip(`-n ${router} addr add 192.168.1.1/24 dev lan`);
      await ip(`-n ${router} link set lan up`);
      await ip(`-n ${phone} addr add 192.168.1.2/24 dev wifi`);
      await ip(`-n ${phone} link set wifi up`);
      await ip(`-n ${phone} route add default via 192.168.1.1`);
      await translate(router);
      phones.push(phone);
    }
    return { public: world, phones, down };
  } catch (error) {
    await down();
    throw error;
  }
}

async function translate(router: string): Promise<void> {
  for (
    const command of [
      "iptables -A INPUT -i wan -j DROP",
      "iptables -P FORWARD DROP",
      "iptables -A FORWARD -i lan -o wan -j ACCEPT",
      "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
      "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE --random",
    ]
  ) await ip(`netns exec ${router} ${command}`);
  await ip("netns", "exec", router, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
}

/** The program and arguments that run a command in a namespace. */
export function inNamespace(namespace: string, command: readonly string[]): [string, ...string[]] {
  return ["ip", "netns", "exec", namespace, ...command];
}

let problem: Promise<string | undefined> | undefined;

/**
 * Why no such network can be built here; undefined if it can. With CI=true missing programs are installed from
 * Debian. Elsewhere a test should not install a relay.
 */
export function networkProblem(): Promise<string | undefined> {
  return problem ??= findProblem();
}

async function findProblem(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "it takes root on Linux";
  if (await findChromium() === undefined) return "there is no Chromium";
  let missing = missingPrograms();
  if (missing.length > 0 && Deno.env.get("CI") === "true") {
    await installPackages(missing.map((program) => PROGRAMS[program]), "for the tests behind NATs");
    missing = missingPrograms();
  }
  if (missing.length > 0) {
    return `missing: ${missing.join(", ")} (Debian: apt-get install ${missing.map((it) => PROGRAMS[it]).join(" ")})`;
  }
  await removeLeftBehind();
  try {
    await (await buildNetwork(1)).down();
  } catch (error) {
    return `no network namespaces are permitted here: ${error instanceof Error ? error.message : error}`;
  }
}

function missingPrograms(): (keyof typeof PROGRAMS)[] {
  const places = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
  const programs = Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[];
  return programs.filter((program) => !places.some((place) => isFile(`${place}/${program}`)));
}

/** Namespaces of a run that was killed before it could clean up. */
async function removeLeftBehind(): Promise<void> {
  for (const line of (await ip("netns list")).split("\n")) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(line)?.[1];
    if (pid !== undefined && !isFile(`/proc/${pid}/status`)) await removeNamespace(line.split(" ")[0]!);
  }
}

/** Ends all processes in a namespace, and removes it with its interfaces. */
async function removeNamespace(namespace: string): Promise<void> {
  for (const pid of (await ip(`netns pids ${namespace}`)).split("\n").filter((line) => line !== "")) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // It ended by itself.
    }
  }
  await ip(`netns del ${namespace}`);
}

/** Runs `ip` and returns its output. A single text is split at spaces. Throws if it fails. */
async function ip(...words: string[]): Promise<string> {
  const args = words.length === 1 ? words[0]!.split(" ") : words;
  const { success, stdout, stderr } = await new Deno.Command("ip", { args, stdout: "piped", stderr: "piped" }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
