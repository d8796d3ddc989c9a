import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { AnalyticsScreen, type Range } from "../components/analytics/AnalyticsScreen.tsx";
import type { Dashboard } from "../lib/protocol/reports/dashboard.ts";
import { within } from "../lib/shared/within.ts";

/** How often figures are asked for while somebody looks. */
const REFRESH_MS = 5_000;

/** The server's figures, as the page was drawn with them and then as they change. */
export default function Analytics({ drawn, range }: { drawn: Dashboard; range: Range }) {
  const figures = useSignal(drawn);
  const stale = useSignal(false);
  useEffect(() => {
    const refresh = async () => {
      if (document.visibilityState !== "visible") return;
      try {
        stale.value = await within(2 * REFRESH_MS, async (signal) => {
          const answer = await fetch("/analytics/dashboard", { signal });
          // The own server sends trusted data. It may be newer after a deploy; a reload then updates the page.
          if (answer.ok) figures.value = await answer.json();
          return !answer.ok;
        });
      } catch {
        stale.value = true; // No network, or no server: the page says that its figures are old.
      }
    };
    const timer = setInterval(refresh, REFRESH_MS);
    document.addEventListener("visibilitychange", refresh);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", refresh);
    };
  }, []);
  return <AnalyticsScreen figures={figures.value} range={range} stale={stale.value} />;
}
