/** The table of settings in docs/OPERATING.md is the table that the server reads its environment by. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ConfigError, readConfig } from "../../lib/server/config/read_config.ts";
import { VARIABLES } from "../../lib/server/config/variables.ts";
import { DEFAULT_CONFIG } from "../../lib/server/config/server_config.ts";
import { builtServer } from "../support/server_process.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("the table in OPERATING.md has every variable that the server reads, with its default and meaning, and no other", async () => {
  const text = await Deno.readTextFile(`${ROOT}docs/OPERATING.md`);
  const rows = [...text.matchAll(/^\| `(FESTIVAL_[A-Z_]+)` *\|([^|]*)\|([^|]*)\|$/gm)].map((row) =>
    row.slice(1).map((cell) => cell.trim())
  );
  assertEquals(rows, VARIABLES.map(({ name, shownDefault, meaning }) => [name, shownDefault, meaning]));
});

Deno.test("the server reads no FESTIVAL_ variable that is not in the table", () => {
  const asked = new Set<string>();
  readConfig((name) => {
    asked.add(name);
    return undefined;
  });
  const own = [...asked].filter((name) => name.startsWith("FESTIVAL_")).sort();
  assertEquals(own, VARIABLES.map(({ name }) => name).sort());
});

Deno.test("an empty environment gives the defaults, and so does each default that the table shows", () => {
  assertEquals(readConfig(() => undefined), DEFAULT_CONFIG);
  for (const { name, shownDefault } of VARIABLES) {
    const shown = /^(?:\d+|`[^`]+`)$/.exec(shownDefault)?.[0].replaceAll("`", "");
    if (shown !== undefined) assertEquals(readConfig((asked) => asked === name ? shown : undefined), DEFAULT_CONFIG);
  }
});

Deno.test("every variable changes a setting", () => {
  const values: Record<string, string> = {
    FESTIVAL_ENVIRONMENT: "staging",
    FESTIVAL_DATA_DIR: "elsewhere",
    FESTIVAL_KV_URL: "https://kv.example",
    FESTIVAL_BACKUP_HOURS: "6",
    FESTIVAL_BUILD: "v1",
    FESTIVAL_TRUSTED_PROXIES: "10.0.0.0/8",
    FESTIVAL_ORIGINS: "https://chat.example",
    FESTIVAL_MEMORY_MB: "512",
    FESTIVAL_ADMIN_PASSWORD_HASH: `scrypt.15.8.1.${"A".repeat(22)}.${"A".repeat(43)}`,
    FESTIVAL_OPERATOR_KEY: "A".repeat(43),
    FESTIVAL_STUN_URLS: "stun:turn.chat.example:3478",
    FESTIVAL_FIGURES: "public",
    FESTIVAL_METRICS_TOKEN: "a token of 16 characters",
    FESTIVAL_LOG_LEVEL: "error",
  };
  const turn = { FESTIVAL_TURN_URLS: "turn:turn.chat.example:3478", FESTIVAL_TURN_SECRET: "secret" };
  for (const { name, shownDefault } of VARIABLES) {
    if (name in turn) continue;
    const value = values[name] ?? String(Number(shownDefault) - 1 || 2);
    const config = readConfig((asked) => asked === name ? value : undefined);
    assert(JSON.stringify(config) !== JSON.stringify(DEFAULT_CONFIG), `${name}=${value}`);
  }
  const { ice } = readConfig((name) => name in turn ? turn[name as keyof typeof turn] : undefined);
  assertEquals([ice.turnUrls, ice.turnSecret], [[turn.FESTIVAL_TURN_URLS], turn.FESTIVAL_TURN_SECRET]);
});

Deno.test("figures are closed by default, except in development without a token; public and a token exclude each other", () => {
  const isPublic = (values: Record<string, string>) => readConfig((name) => values[name]).monitoring.publicFigures;
  const development = { FESTIVAL_ENVIRONMENT: "development" };
  const token = { FESTIVAL_METRICS_TOKEN: "a token of 16 characters" };
  assertEquals([isPublic({}), isPublic({ FESTIVAL_ENVIRONMENT: "staging" }), isPublic(token)], [false, false, false]);
  assertEquals([isPublic(development), isPublic({ ...development, ...token })], [true, false]);
  assertEquals(isPublic({ ...development, FESTIVAL_FIGURES: "closed" }), false);
  assertThrows(
    () => isPublic({ ...token, FESTIVAL_FIGURES: "public" }),
    ConfigError,
    "FESTIVAL_METRICS_TOKEN guards nothing",
  );
});

Deno.test("a number that cannot be used is one line that names it and its bounds", () => {
  for (const name of ["FESTIVAL_MEMORY_MB", "FESTIVAL_MAX_CONNECTIONS", "FESTIVAL_RETENTION_DAYS"]) {
    try {
      readConfig((asked) => asked === name ? "a lot" : undefined);
      throw new Error(`${name} was accepted`);
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
