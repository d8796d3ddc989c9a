/**
 * Runs a test of real browsers. In CI, where a browser, its pages, a server and a test share few cores, one that fails is
 * tried once more, and the log says so: what is broken fails again.
 */
export async function withSecondTry(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (Deno.env.get("CI") !== "true") throw error;
    console.warn(`failed, tried once more: ${name}\n${error}`);
    await run();
  }
}
