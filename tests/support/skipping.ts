/** Tells at the end of a run which tests were skipped, and why. */

/** Names the file that collects the reasons; tests/run.ts sets it. */
export const SKIPS_FILE = "FESTIVAL_TEST_SKIPS";

/** Set by `deno task test:fast`: programs that take long to start are treated as not installed. */
export const FAST = "FESTIVAL_TEST_FAST";

/**
 * Notes that tests are skipped. `what`: which, in the plural; `why`: what is missing, and how to get it. With CI=true a
 * missing part fails the run, because a green run must have run everything.
 */
export function skipped(what: string, why: string): undefined {
  const line = `${what}: ${why}`;
  if (Deno.env.get(FAST) === undefined && Deno.env.get("CI") === "true") throw new Error(`skipped in CI: ${line}`);
  const file = Deno.env.get(SKIPS_FILE);
  if (file === undefined) console.warn(`Skipped: ${line}`);
  else Deno.writeTextFileSync(file, `${line}\n`, { append: true });
}

/** Whether this is the fast run. */
export function isFastRun(): boolean {
  return Deno.env.get(FAST) !== undefined;
}
