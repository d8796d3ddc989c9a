/**
 * Runs a test of real browsers, or one that measures times of real processes. In CI, where all of them share few cores,
 * one that fails is tried once more, and the log says so: what is broken fails again.
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
