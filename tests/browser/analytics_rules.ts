/** The analytics page in a real browser, and the reports of pages. */
import { assert, assertEquals } from "@std/assert";
import { analyticsTexts as words } from "../../lib/ui/texts/analytics_texts.ts";
import { connectionTexts } from "../../lib/ui/texts/connection_texts.ts";
import { findings, tooWide } from "./page_rules.ts";
import { rule } from "./field.ts";
import { t, type Tab } from "./tab.ts";

const reportWords = connectionTexts.reports;

/** Digits outside of elements that name a source or hold no figure, such as times and versions. */
function sourceless(tab: Tab): Promise<string[]> {
  return tab.page.evaluate(() => {
    const found: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement!;
      if (element.closest("script, style, time, [data-meta]") !== null || !/\d/.test(node.textContent ?? "")) continue;
      const sourced = element.closest("[data-source]");
      const said = sourced?.querySelector("[data-source-text]")?.getAttribute("data-source-text");
      if (said === undefined || said !== sourced?.getAttribute("data-source")) found.push(node.textContent!);
    }
    return found;
  });
}

rule(
  "every figure of the analytics page says where it comes from, and what was not measured is unknown",
  async (field) => {
    // No page reports here, so figures that only pages know stay unknown.
    const { url: origin } = await field.ownServer({ FESTIVAL_REPORT_PERCENT: "0" });
    const [ada, ben] = [await field.person("Ada", { origin }), await field.person("Ben", { origin })];
    await ben.enter(await ada.startRoom("Secretly called Zanzibar"));
    await ada.say("hello");
    await ben.hears("hello");
    const eve = await field.person("Eve", { origin });
    for (const range of ["hour", "day"]) {
      await eve.goTo(`/analytics?range=${range}`);
      assertEquals(await sourceless(eve), []);
      assert(await eve.page.locator("[data-figure]").count() > 40);
    }
    // The check itself finds a figure without a source.
    await eve.page.evaluate(() => document.querySelector("[data-figure]")!.removeAttribute("data-source"));
    assert((await sourceless(eve)).length > 0);
    await eve.goTo("/analytics");
    const unknown = eve.page.locator('[data-figure="client_stored"]');
    assertEquals(await unknown.getAttribute("data-source"), "unknown");
    await unknown.getByText(words.unknown, { exact: true }).first().waitFor();
    assert(!(await eve.page.content()).includes("Zanzibar"));
  },
);

rule("the analytics page updates people and messages without a reload", async (field) => {
  const server = await field.ownServer();
  const eve = await field.person("Eve", { origin: server.url });
  await eve.goTo("/analytics");
  const users = eve.page.locator('[data-figure="users"] dd').first();
  assertEquals(await users.textContent(), "0");
  const ada = await field.person("Ada", { origin: server.url });
  await ada.startRoom("Live");
  await ada.say("hello");
  await eve.page.locator('[data-figure="users"] dd', { hasText: /^1$/ }).waitFor();
  await eve.page.locator('[data-figure="ack"][data-source="measured"]').waitFor();
});

rule("when the server is down the page says so, and keeps the last figures", async (field) => {
  const server = await field.ownServer();
  const eve = await field.person("Eve", { origin: server.url });
  await eve.goTo("/analytics");
  eve.device.expects(/ERR_CONNECTION_REFUSED/);
  await server.kill();
  await eve.page.getByText(words.stale).waitFor();
  assert(await eve.page.locator("[data-figure]").count() > 40);
});

rule("without JavaScript the page shows the same figures", async (field) => {
  const eve = await field.person("Eve", { javaScriptEnabled: false });
  eve.device.expects(/request failed: GET .*\.js csp$/);
  await eve.goTo("/analytics");
  assert(await eve.page.locator("[data-figure]").count() > 40);
  await eve.page.getByRole("heading", { name: words.groups.database }).waitFor();
  await eve.page.getByRole("link", { name: words.ranges.day }).click();
  assertEquals(new URL(eve.page.url()).search, "?range=day");
  assertEquals(await eve.page.getByText(t.site.noScript).count(), 0);
});

for (const theme of ["dark", "sunlight"] as const) {
  rule(`the analytics page is accessible, and fits a phone (${theme})`, async (field) => {
    const eve = await field.person("Eve", { viewport: { width: 320, height: 640 } });
    await eve.goHome();
    await eve.choose(t.settings.themes[theme]);
    await eve.goTo("/analytics");
    assertEquals([...await findings(eve, "analytics"), ...await tooWide(eve, "analytics")], []);
  });
}

rule(
  "[REP-3] [REP-5] a page reports its transports without cookie or name, and nothing once a person has said no",
  async (field) => {
    const env = { FESTIVAL_REPORT_PERCENT: "100", FESTIVAL_REPORT_SECONDS: "5" };
    const server = await field.ownServer(env);
    const [ada, ben] = [
      await field.person("Ada", { origin: server.url }),
      await field.person("Ben", { origin: server.url }),
    ];
    const asking: Promise<{ who: string; method: string; body: string | null; cookie: string | undefined }>[] = [];
    for (const person of [ada, ben]) {
      person.page.on("request", (request) => {
        if (!request.url().endsWith("/api/reports")) return;
        const asked = { who: person.device.name, method: request.method(), body: request.postData() };
        asking.push(request.allHeaders().then(({ cookie }) => ({ ...asked, cookie })));
      });
    }
    await ben.enter(await ada.startRoom("Transports"));
    await ada.say("hello");
    await ben.button(t.room.settings).click();
    await ben.dialog(t.room.settings).getByRole("radio", { name: reportWords.off, exact: true }).check();
    await ada.page.waitForResponse((response) => response.url().endsWith("/api/reports") && response.status() === 204, {
      timeout: 40_000,
    });
    const asked = await Promise.all(asking);
    const posted = asked.filter(({ method }) => method === "POST");
    assertEquals([...new Set(asked.map(({ who }) => who))], ["Ada"]);
    assert(posted.length > 0);
    for (const { body, cookie } of posted) {
      assertEquals(cookie, undefined);
      assert(!/[A-Za-z0-9_-]{16,}/.test(body!.replaceAll(/"[a-zA-Z]+":/g, "")), body!);
    }
    const eve = await field.person("Eve", { origin: server.url });
    await eve.goTo("/analytics");
    await eve.page.locator('[data-figure="client_stored"][data-source="sampled"]').waitFor();
  },
);

rule("[REP-5] a browser that asks not to be tracked reports nothing", async (field) => {
  const server = await field.ownServer({ FESTIVAL_REPORT_PERCENT: "100", FESTIVAL_REPORT_SECONDS: "5" });
  const ada = await field.person("Ada", { origin: server.url });
  await ada.device.context.addInitScript(() => {
    Object.defineProperty(navigator, "globalPrivacyControl", { value: true });
  });
  await ada.startRoom("Quiet");
  await ada.button(t.room.settings).click();
  await ada.dialog(t.room.settings).getByText(reportWords.byBrowser).waitFor();
});
