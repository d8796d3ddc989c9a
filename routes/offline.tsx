import { Head } from "fresh/runtime";
import Offline from "@/islands/Offline.tsx";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

/** What the service worker shows in the place of a page that is not kept on the device. */
export default define.page(() => {
  return (
    <>
      <Head>
        <title>{`${t.offline.title} · ${t.app.name}`}</title>
        <meta name="robots" content="noindex" />
      </Head>
      <Offline />
    </>
  );
});
