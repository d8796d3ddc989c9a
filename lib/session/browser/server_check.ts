/** Asks the page's own server by plain HTTP whether it is there. Loaded on demand. */
import { within } from "../../shared/within.ts";

/** Longest time for an answer. */
const CHECK_TIMEOUT_MS = 5_000;

/** The time of the answer, ms; undefined without one. */
export async function checkServer(): Promise<number | undefined> {
  const startedAt = performance.now();
  try {
    const ok = await within(CHECK_TIMEOUT_MS, async (signal) => {
      const answer = await fetch("/health/live", { cache: "no-store", signal });
      await answer.text();
      return answer.ok;
    });
    return ok ? Math.round(performance.now() - startedAt) : undefined;
  } catch {
    return undefined; // No answer, or a captive portal in between.
  }
}
