/** Asks the page's own server by plain HTTP whether it is there. Loaded on demand. */

/** An answer to plain HTTP that takes longer is none. */
const CHECK_TIMEOUT_MS = 5_000;

/** How long its answer took, ms; undefined when none came. */
export async function checkServer(): Promise<number | undefined> {
  const startedAt = performance.now();
  try {
    const answer = await fetch("/health/live", { cache: "no-store", signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await answer.text();
    return answer.ok ? Math.round(performance.now() - startedAt) : undefined;
  } catch {
    return undefined; // Nobody there, or somebody else: a captive portal answers with a page of its own, or not at all.
  }
}
