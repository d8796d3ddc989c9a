import { asset } from "fresh/runtime";
import { define } from "@/lib/server/http/route_helpers.ts";
import { homeTexts as t } from "@/lib/ui/texts/home_texts.ts";
import { START_PROBLEM_IDS, START_SCRIPT } from "@/lib/ui/start_script.ts";
import { THEME_SCRIPT } from "@/lib/ui/theme.ts";

/** Covers the composer, which does not work then. */
const OVER_THE_COMPOSER = "fixed bottom-0 inset-x-0 z-10 border-t-2 border-alarm bg-alarm-ground p-3 font-bold";

/** The document around every page. */
export default define.page(({ Component, url }) => {
  return (
    <html lang={t.language}>
      <head>
        <meta charset="utf-8" />
        <meta
          name="viewport"
          content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"
        />
        <title>{t.app.name}</title>
        <meta name="description" content={t.site.description} />
        <meta name="theme-color" content="#0b0f0d" />
        <meta name="color-scheme" content="dark light" />
        <meta property="og:site_name" content={t.app.name} />
        <meta property="og:type" content="website" />
        <meta property="og:title" content={t.app.name} key="og-title" />
        <meta property="og:description" content={t.site.description} />
        <meta property="og:image" content={`${url.origin}/icons/share.png`} />
        <meta name="twitter:card" content="summary_large_image" />
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
        <link rel="stylesheet" href={asset("/styles.css")} />
        <link rel="icon" href={asset("/favicon.svg")} type="image/svg+xml" />
        <link rel="apple-touch-icon" href={asset("/icons/app-180.png")} />
        <link rel="manifest" href="/manifest.webmanifest" />
      </head>
      <body>
        {/* A sealed room has no skip link: it would replace the key in the fragment. Its header has only four controls. */}
        {!url.pathname.startsWith("/s/") && <a href="#content" class="skip">{t.site.skip}</a>}
        <Component />
        {/* The operator's pages work without scripts. */}
        {!/^\/(admin|analytics)/.test(url.pathname) && (
          <>
            <noscript>
              <p class={OVER_THE_COMPOSER}>{t.site.noScript}</p>
            </noscript>
            <p id={START_PROBLEM_IDS.tooOld} role="alert" hidden class={OVER_THE_COMPOSER}>{t.site.tooOld}</p>
            <p id={START_PROBLEM_IDS.notStarted} role="alert" hidden class={OVER_THE_COMPOSER}>
              {t.site.notStarted} <a href="" class="underline">{t.site.reload}</a>
            </p>
            <script dangerouslySetInnerHTML={{ __html: START_SCRIPT }} />
          </>
        )}
      </body>
    </html>
  );
});
