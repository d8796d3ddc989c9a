import { page } from "fresh";
import { Head } from "fresh/runtime";
import { Sign } from "@/components/Sign.tsx";
import { textsFor } from "@/lib/design/texts.ts";
import { define } from "@/lib/server/define.ts";

export const handler = define.handlers(() => page(undefined, { status: 404 }));

export default define.page(({ url }) => {
  const t = textsFor("en");
  return (
    <>
      <Head>
        <title>{`${t.notFound.title} · ${t.app.name}`}</title>
      </Head>
      <Sign title={t.notFound.title} drawn={["404"]}>
        <p class="text-lg">{t.notFound.hint(url.pathname)}</p>
      </Sign>
    </>
  );
});
