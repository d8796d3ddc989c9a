/** Asks the page's own server by plain HTTP whether it is there. Loaded on demand. */
import { within } from "../../shared/within.ts";

/** An answer to plain HTTP that takes longer is none. */
const CHECK_TIMEOUT_MS = 5_000;

/** How long its answer took, ms; undefined when none came. */
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
    return undefined; // Nobody there, or somebody else: a captive portal answers with a page of its own, or not at all.
  }
}
