/** Deque's axe, the rules that accessibility tests of browsers share, run inside a page. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** What axe finds serious or critical in this page now: rule, element and reason, one line each. */
export async function findViolations(page: Page): Promise<string[]> {
  // The page's own policy forbids inline code; the debugger may run it all the same.
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    // What fades in has its colours only at the end.
    const ending = document.getAnimations().filter((moving) => moving.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.all(ending.map((moving) => moving.finished.catch(() => {})));
    const { violations } = await axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`)
    );
  });
}
