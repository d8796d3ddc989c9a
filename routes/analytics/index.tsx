import { page } from "fresh";
import { Head } from "fresh/runtime";
import Analytics from "@/islands/Analytics.tsx";
import { analyticsTexts as t } from "@/lib/ui/texts/analytics_texts.ts";
import { define } from "@/lib/server/http/route_helpers.ts";
import { ownMonitor } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  async GET(ctx) {
    const drawn = await (await ownMonitor()).dashboard();
    const range = ctx.url.searchParams.get("range") === "day" ? "day" : "hour";
    return page({ drawn, range } as const, { headers: { "cache-control": "no-store" } });
  },
});

export default define.page<typeof handler>(({ data }) => {
  return (
    <>
      <Head>
        <title>{`${t.title} · ${t.app}`}</title>
        <meta name="robots" content="noindex" />
      </Head>
      <Analytics drawn={data.drawn} range={data.range} />
    </>
  );
});
