import { Head } from "fresh/runtime";
import Offline from "@/islands/Offline.tsx";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

/** The service worker shows this page in place of one that the device does not have. */
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
