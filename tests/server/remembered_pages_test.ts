/** Pages that are rendered once a second: docs/LIMITS.md. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { App } from "fresh";
import { rememberedPages } from "../../lib/server/http/remembered_pages.ts";
import type { RequestState } from "../../lib/server/http/route_helpers.ts";
import { SeededRandom } from "../simulation/random.ts";

/** An app that counts what it renders. */
function openApp(publicFigures = false) {
  const world = { now: 0, rendered: 0, status: 200 };
  const clock = { now: () => world.now };
  const handle = new App<RequestState>()
    .use(rememberedPages({ clock, random: new SeededRandom(1, "pages"), publicFigures }))
    .use(async (ctx) => {
      const nonce = `rendered-${++world.rendered}`;
      const { status } = world;
      const path = ctx.url.pathname;
      await Promise.resolve();
      return new Response(`<p>${path}</p><script nonce="${nonce}"></script>`, {
        status: path === "/" || path.startsWith("/r/") ? status : 404,
        headers: { "content-security-policy": `script-src 'nonce-${nonce}'` },
      });
    })
    .route("/", { handler: () => new Response() })
    .route("/r/:code", { handler: () => new Response() })
    .handler();
  const ask = (path: string, init: RequestInit = {}) => handle(new Request(`http://127.0.0.1${path}`, init));
  return { world, ask };
}

Deno.test("[BUDGET-4] a hundred requests in a second render the home page once and pages that do not exist once", async () => {
  const { world, ask } = openApp();
  const paths = Array.from({ length: 100 }, (_, n) => n % 2 === 0 ? "/" : `/nothing/${n}`);
  const answers = await Promise.all(paths.map((path) => ask(path)));
  assertEquals(world.rendered, 2);
  assertEquals(answers.map(({ status }) => status), paths.map((path) => path === "/" ? 200 : 404));
  world.now = 999;
  await ask("/");
  assertEquals(world.rendered, 2);
  world.now = 1_000;
  await ask("/");
  assertEquals(world.rendered, 3);
});

Deno.test("[BUDGET-4] every answer has a nonce of its own, the same in its policy and its text", async () => {
  const { ask } = openApp();
  const nonces = await Promise.all([0, 1].map(async () => {
    const answer = await ask("/");
    const [, nonce] = /'nonce-(.+)'/.exec(answer.headers.get("content-security-policy")!)!;
    assertEquals(await answer.text(), `<p>/</p><script nonce="${nonce}"></script>`);
    return nonce;
  }));
  assertNotEquals(nonces[0], nonces[1]);
});

Deno.test("[BUDGET-4] figures that everybody may read are rendered once a second for each range, others for each reader", async () => {
  for (const [isPublic, rendered] of [[true, 3], [false, 9]] as const) {
    const { world, ask } = openApp(isPublic);
    for (let n = 0; n < 3; n++) {
      for (const search of ["", "?range=hour", "?range=day"]) await ask(`/analytics${search}`);
    }
    assertEquals(world.rendered, rendered);
  }
});

Deno.test("[BUDGET-4] pages that differ between visitors, other methods and failures are never remembered", async () => {
  const { world, ask } = openApp();
  for (const path of ["/?a=1", "/r/cosmic-stage-417", "/admin/nothing", "/analytics/nothing", "/api/nothing", "/s/x"]) {
    const before = world.rendered;
    await ask(path);
    await ask(path);
    assertEquals(world.rendered, before + 2, path);
  }
  const before = world.rendered;
  await ask("/", { method: "POST" });
  await ask("/", { method: "POST" });
  assertEquals(world.rendered, before + 2);
  world.status = 503;
  assertEquals((await ask("/")).status, 503);
  world.status = 200;
  assert((await ask("/")).ok, "the next visitor tries again");
});
