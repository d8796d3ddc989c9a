/** The table of settings in docs/OPERATING.md, and what the server reads: neither knows a name that the other does not. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ConfigError, readConfig } from "../../lib/server/config.ts";
import { builtServer } from "../support/server_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Read by the build, not by the server. */
const OF_THE_BUILD = ["FESTIVAL_SERVICE_WORKER"];

async function documented(): Promise<Map<string, string>> {
  const text = await Deno.readTextFile(`${ROOT}docs/OPERATING.md`);
  return new Map(
    [...text.matchAll(/^\| `(FESTIVAL_[A-Z_]+)` +\|([^|]*)\|/gm)].map(([, name, value]) => [name!, value!]),
  );
}

Deno.test("every setting that the server reads is in the table, and the table has no other", async () => {
  const asked = new Set<string>();
  readConfig((name) => {
    asked.add(name);
    return undefined;
  });
  const own = [...asked].filter((name) => name.startsWith("FESTIVAL_")).sort();
  const table = [...(await documented()).keys()].sort();
  assertEquals(table.filter((name) => !OF_THE_BUILD.includes(name)), own);
});

Deno.test("the defaults of numbers in the table are those that an empty environment gives", async () => {
  const table = await documented();
  const config = readConfig(() => undefined);
  const { retention, limits, ice, proxyHops } = config;
  const numbers: Record<string, number> = {
    FESTIVAL_PROXY_HOPS: proxyHops,
    FESTIVAL_RETENTION_DAYS: retention.maxAgeMs / 86_400_000,
    FESTIVAL_RETENTION_EVENTS: retention.maxEvents,
    FESTIVAL_IDLE_ROOM_DAYS: retention.idleRoomMs / 86_400_000,
    FESTIVAL_MESSAGE_BURST: limits.messages.burst,
    FESTIVAL_MESSAGE_EVERY_MS: limits.messages.everyMs,
    FESTIVAL_ADDRESS_CONNECTIONS_PER_MINUTE: 60_000 / limits.addressConnections.everyMs,
    FESTIVAL_MAX_CONNECTIONS: limits.connections,
    FESTIVAL_MAX_OPEN_ROOMS: limits.openRooms,
    FESTIVAL_TURN_LIFE_MINUTES: ice.turnLifeMs / 60_000,
  };
  for (const [name, value] of Object.entries(numbers)) {
    assertEquals(Number(/\d+/.exec(table.get(name)!)?.[0]), value, name);
  }
});

Deno.test("a number that cannot be used is one line that names it and its bounds", () => {
  for (const name of ["FESTIVAL_MEMORY_MB", "FESTIVAL_MAX_CONNECTIONS", "FESTIVAL_RETENTION_DAYS"]) {
    try {
      readConfig((asked) => asked === name ? "a lot" : undefined);
      throw new Error(`${name} was taken`);
    } catch (error) {
      assert(error instanceof ConfigError, String(error));
      assertEquals(error.mistakes.length, 1);
      assertStringIncludes(error.mistakes[0]!, `${name} has to be a whole number from`);
    }
  }
});

Deno.test("a wrong configuration stops the start of the real server, with a line for each mistake and no stack", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["serve", "-A", `--config=${ROOT}deno.json`, "--port=0", await builtServer()],
    env: { FESTIVAL_MESSAGE_BURST: "many", FESTIVAL_KV_URL: "ftp://x", NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
  }).output();
  assertEquals(code, 1);
  const lines = new TextDecoder().decode(stderr).trim().split("\n");
  assertEquals(lines[0], "the configuration cannot be used:");
  assertEquals(lines.slice(1).map((line) => /FESTIVAL_\w+/.exec(line)?.[0]).toSorted(), [
    "FESTIVAL_KV_URL",
    "FESTIVAL_MESSAGE_BURST",
  ]);
});
