import { Head } from "fresh/runtime";
import Offline from "@/islands/Offline.tsx";
import { homeTextsFor } from "@/lib/ui/texts/home_texts.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

/** The page that the service worker shows in place of one that is not on the device. */
export default define.page(() => {
  const t = homeTextsFor("en");
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
