import { Head } from "fresh/runtime";
import { Lettering } from "./Lettering.tsx";
import { StatusPage } from "./StatusPage.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";

/** Shown when a page does not exist or the server failed. The log has the details; the page does not. */
export function ErrorPage({ status, path }: { status: number; path: string }) {
  const title = status === 404 ? t.notFound.title : status === 503 ? t.error.busyTitle : t.error.title;
  const hint = status === 404 ? t.notFound.hint : status === 503 ? t.error.busyHint : t.error.hint;
  return (
    <>
      <Head>
        <title>{`${title} · ${t.app.name}`}</title>
      </Head>
      <StatusPage title={title} drawn={<Lettering lines={[String(status)]} class="max-w-xs text-flare" />}>
        <p class="text-lg">{hint}</p>
        {status !== 404 && <a href={path} class="font-bold underline">{t.app.tryAgain}</a>}
      </StatusPage>
    </>
  );
}
