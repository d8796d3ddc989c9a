/**
 * `deno task test` and `deno task test:fast`: runs the tests and says at the end which were skipped, and why. Further
 * arguments go to `deno test`: files, folders, `--filter`, `--trace-leaks`.
 */
import { FAST, SKIPS_FILE } from "./support/skipping.ts";

/** Paths of the fast run: no browsers, no builds, no long simulations, no processes. */
const FAST_PATHS = [
  "chat",
  "crypto",
  "files",
  "kinds",
  "mesh/broadcast_test.ts",
  "mesh/topology_test.ts",
  "mesh/routing_table_test.ts",
  "offline",
  "protocol",
  "routing",
  "screens",
  "server/accept_test.ts",
  "server/client_session_test.ts",
  "server/committer_test.ts",
  "server/overload_test.ts",
  "server/poll_endpoint_test.ts",
  "session",
  "store",
  "structure",
  "transport",
].map((path) => `tests/${path}`);

const fast = Deno.args[0] === "--fast";
const given = Deno.args.slice(fast ? 1 : 0);
const hasPaths = given.some((argument) => !argument.startsWith("-"));
const paths = hasPaths ? [] : fast ? FAST_PATHS : ["tests/"];

const skipsFile = await Deno.makeTempFile({ prefix: "festival-skips-" });
const { success, code, counts } = await run(
  ["test", "-A", "--node-modules-dir=auto", ...(fast ? ["--parallel"] : []), ...given, ...paths],
  { [SKIPS_FILE]: skipsFile, ...(fast && { [FAST]: "1" }) },
);
const skips = (await Deno.readTextFile(skipsFile)).split("\n").filter((line) => line !== "");
await Deno.remove(skipsFile);
if (skips.length > 0) console.log(`\nSkipped:\n${[...new Set(skips)].map((line) => `  ${line}`).join("\n")}`);
if (counts === undefined) console.error("\nThe run ended without a summary.");
else console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.ignored} skipped`);
Deno.exit(success && counts !== undefined ? 0 : code || 1);

interface Counts {
  passed: number;
  failed: number;
  ignored: number;
}

/** Runs `deno` and shows what it prints; `counts` come from its summary, undefined without one. */
async function run(
  args: string[],
  env: Record<string, string>,
): Promise<{ success: boolean; code: number; counts: Counts | undefined }> {
  const child = new Deno.Command(Deno.execPath(), { args, env, stdout: "piped" }).spawn();
  let end = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    await Deno.stdout.write(bytes);
    end = (end + decoder.decode(bytes, { stream: true })).slice(-10_000);
  }
  const { success, code } = await child.status;
  return { success, code, counts: countsIn(end) };
}

/** Reads the last line like "ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)". */
function countsIn(printed: string): Counts | undefined {
  // deno-lint-ignore no-control-regex -- Colours.
  const plain = printed.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const summary = plain.match(/^(?:ok|FAILED) \| \d+ passed.*$/gm)?.at(-1);
  if (summary === undefined) return undefined;
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  return { passed: count("passed"), failed: count("failed"), ignored: count("ignored") };
}
