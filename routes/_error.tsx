import { HttpError } from "fresh";
import { Head } from "fresh/runtime";
import { Sign } from "@/components/Sign.tsx";
import { textsFor } from "@/lib/design/texts.ts";
import { define } from "@/lib/server/define.ts";
import { StorageUnavailable } from "@/lib/store/store.ts";

/** What people see when something went wrong here; what it was is in the log, not on the page. */
export default define.page(({ error, url }) => {
  const t = textsFor("en");
  const status = error instanceof HttpError ? error.status : 500;
  const busy = error instanceof StorageUnavailable || status === 503;
  const title = status === 404 ? t.notFound.title : busy ? t.error.busyTitle : t.error.title;
  const hint = status === 404 ? t.notFound.hint(url.pathname) : busy ? t.error.busyHint : t.error.hint;
  return (
    <>
      <Head>
        <title>{`${title} · ${t.app.name}`}</title>
      </Head>
      <Sign title={title} drawn={[String(busy ? 503 : status)]}>
        <p class="text-lg">{hint}</p>
        {status !== 404 && <a href={url.pathname} class="font-bold underline">{t.app.tryAgain}</a>}
      </Sign>
    </>
  );
});
