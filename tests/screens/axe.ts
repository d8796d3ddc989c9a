/** Runs Deque's axe inside a page: the rules that browsers' accessibility tests share. */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** Serious and critical findings of axe on the page as shown now: rule, element and reason, one line each. */
export async function findViolations(page: Page): Promise<string[]> {
  // The page's content policy forbids inline code, but not from the debugger.
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    // Colours are final only once elements have faded in.
    const ending = document.getAnimations().filter((moving) => moving.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.all(ending.map((moving) => moving.finished.catch(() => {})));
    const { violations } = await axe.run();
    return violations.filter(({ impact }) => impact === "serious" || impact === "critical").flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`)
    );
  });
}
