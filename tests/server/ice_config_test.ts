/** The configuration of phones' links, and a real TURN server that accepts its credentials. */
import { skipped } from "../support/skipping.ts";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { App } from "fresh";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { readConfig } from "../../lib/server/config/read_config.ts";
import type { RequestState } from "../../lib/server/http/route_helpers.ts";
import { membershipFor, meshConfigFor, turnCredential, turnUser } from "../../lib/server/http/ice_config.ts";
import { requestSource, visitor } from "../../lib/server/http/security.ts";
import { readMeshConfig } from "../../lib/protocol/peer/mesh_config.ts";
import { handler } from "../../routes/mesh/config.ts";

const NOW = Date.UTC(2026, 6, 4, 20);
const TURN = {
  FESTIVAL_STUN_URLS: "stun:turn.chat.example:3478",
  FESTIVAL_TURN_URLS: "turn:turn.chat.example:3478?transport=udp, turns:turn.chat.example:5349?transport=tcp",
  FESTIVAL_TURN_SECRET: "north",
};
const withEnv = (values: Record<string, string>) => readConfig((name) => values[name]);

Deno.test("[TURN-1] credentials are what coturn's use-auth-secret expects", () => {
  // Made with Python's hmac and hashlib.
  assertEquals(turnCredential("north", 1433895918, "ada"), {
    username: "1433895918:ada",
    credential: "KJ5PTMBeGkZIwdEVUss3BPdY8wE=",
  });
  assertEquals(turnCredential("s3cret-ü", 1795000000, "AAAAAAAAAAAAAAAA").credential, "+BuWYEStS4pk+kjP0bkYfqMcBb0=");
  assertEquals(turnUser("AAAAAAAAAAAAAAAAAAAAAA"), "vo22P4IORHqJWYC4");
});

/** The configuration of a device that has joined a room. */
function memberConfig(device: string, nowMs = NOW) {
  const config = withEnv(TURN);
  return meshConfigFor(config, device, nowMs, membershipFor(config.ice, device, NOW));
}

Deno.test("[TURN-1] a member's device gets servers with credentials of its own, which expire", () => {
  const config = memberConfig("device");
  const [stun, turn] = config.iceServers;
  assertEquals(stun, { urls: ["stun:turn.chat.example:3478"] });
  assertEquals(turn!.urls.length, 2);
  assertEquals(config.expiresAt, NOW + 3_600_000);
  assertMatch(turn!.username!, /^\d+:[\w-]{16}$/);
  assert(!JSON.stringify(config).includes("device"), "the cookie is no user name");
  assert(memberConfig("other").iceServers[1]!.username !== turn!.username);
  assertEquals(readMeshConfig(JSON.parse(JSON.stringify(config))), config);
  for (
    const wrong of [{ iceServers: {} }, { expiresAt: "x" }, { autoConnectMs: 0.5 }, { iceServers: [{ urls: [] }] }]
  ) {
    assertEquals(readMeshConfig({ ...config, ...wrong }), undefined);
  }
});

Deno.test("[TURN-2] a visitor who is in no room, or shows another device's or an old membership, gets no credentials", () => {
  const config = withEnv(TURN);
  const membership = membershipFor(config.ice, "device", NOW)!;
  const turnServers = (device: string, shown: string | undefined, nowMs = NOW) =>
    meshConfigFor(config, device, nowMs, shown).iceServers.filter(({ username }) => username !== undefined).length;
  assertEquals(turnServers("device", membership), 1);
  const [expires, mac] = membership.split(".");
  const later = `${Number(expires) + 1}.${mac}`;
  for (
    const wrong of [undefined, "", ".", "NaN.", `Infinity.${mac}`, `${expires}.`, later, `${membership}.x.`.slice(1)]
  ) {
    assertEquals(turnServers("device", wrong), 0, wrong);
  }
  assertEquals(turnServers("other", membership), 0);
  assertEquals(turnServers("device", membership, NOW + 24 * 3_600_000), 0, "it has ended");
  assertEquals(membershipFor(DEFAULT_CONFIG.ice, "device", NOW), undefined, "no TURN server, no membership");
});

Deno.test("[TURN-2] a device that asks 500 times in an hour gets seven user names, all with the same user part", () => {
  const asked = Array.from(
    { length: 500 },
    (_, at) => memberConfig("device", NOW + at * 7_200).iceServers[1]!.username!,
  );
  assertEquals(new Set(asked).size, 7);
  assertEquals(new Set(asked.map((name) => name.split(":")[1])).size, 1);
});

Deno.test("[TURN-1] without configuration pages contact no other server, and half a configuration stops the start", () => {
  const config = meshConfigFor(DEFAULT_CONFIG, "device", NOW);
  assertEquals([config.iceServers, config.expiresAt], [[], undefined]);
  const mistakes: Record<string, string>[] = [
    { FESTIVAL_TURN_SECRET: "x" },
    { FESTIVAL_TURN_URLS: "turn:a" },
    { FESTIVAL_STUN_URLS: "https://a" },
    { ...TURN, FESTIVAL_TURN_LIFE_MINUTES: "1" },
  ];
  for (const values of mistakes) assertThrows(() => withEnv(values));
});

Deno.test("GET /mesh/config answers with the configuration, uncached", async () => {
  const app = new App<RequestState>().use(requestSource(DEFAULT_CONFIG), visitor).route("/mesh/config", { handler });
  const response = await app.handler()(new Request("http://127.0.0.1/mesh/config"));
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  const config = readMeshConfig(await response.json());
  assertEquals([config?.autoConnectMs, config?.iceServers], [10_000, []]);
});

const hasCoturn = ["/usr/bin/turnserver", "/usr/bin/turnutils_uclient"].every((path) => {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // Not installed.
  }
});
if (!hasCoturn) skipped("the test with a real coturn", "none found; install it (Debian: apt-get install coturn)");

Deno.test({
  name:
    "[TURN-1] [TURN-2] a real coturn accepts a minted credential, neither an expired nor a forged one, and counts a device",
  ignore: !hasCoturn,
  async fn() {
    const folder = await Deno.makeTempDir();
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const coturn = new Deno.Command("turnserver", {
      args: [
        "-n",
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        `--listening-port=${port}`,
        "--use-auth-secret",
        "--static-auth-secret=north",
        "--realm=chat.example",
        "--allow-loopback-peers",
        "--no-tls",
        "--no-dtls",
        "--no-cli",
        // One client of the tool makes three allocations.
        "--user-quota=4",
        `--userdb=${folder}/db`,
        `--pidfile=${folder}/pid`,
        "--log-file=stdout",
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      await answering(port);
      const tries = async (username: string, credential: string) => {
        const { success } = await new Deno.Command("turnutils_uclient", {
          args: ["-y", "-c", "-n", "30", "-m", "1", "-p", `${port}`, "-u", username, "-w", credential, "127.0.0.1"],
          stdout: "null",
          stderr: "null",
        }).output();
        return success;
      };
      const nowS = Math.floor(Date.now() / 1_000);
      const minted = turnCredential("north", nowS + 600, turnUser("device"));
      assert(await tries(minted.username, minted.credential));
      const ended = turnCredential("north", nowS - 600, turnUser("device"));
      assert(!await tries(ended.username, ended.credential));
      const forged = turnCredential("south", nowS + 600, turnUser("device"));
      assert(!await tries(forged.username, forged.credential));
      const together = async (...devices: string[]) => {
        const results = await Promise.all(devices.map((device, at) => {
          const { username, credential } = turnCredential("north", nowS + 600 + at, turnUser(device));
          return tries(username, credential);
        }));
        return results.every((worked) => worked);
      };
      assert(await together("one", "other"));
      assert(!await together("same", "same"), "two user names of one device share its quota");
    } finally {
      coturn.kill("SIGKILL");
      await coturn.status;
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Resolves when something listens there; the server itself does not report it. */
async function answering(port: number): Promise<void> {
  for (const deadline = Date.now() + 10_000;;) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
