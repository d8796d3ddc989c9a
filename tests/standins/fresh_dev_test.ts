import { assertEquals, assertStringIncludes } from "@std/assert";
import { App, staticFiles } from "fresh";
import { Builder } from "fresh/dev";

/** A project folder of its own, inside this one so that it has the same deno.json. */
async function withProject(run: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ dir: new URL(".", import.meta.url).pathname, prefix: "dev-" });
  try {
    for (const folder of ["routes", "islands", "static"]) await Deno.mkdir(`${root}/${folder}`);
    await Deno.writeTextFile(
      `${root}/routes/index.ts`,
      "export const handler = (ctx: any) => ctx.html('<p>dev</p>');\n",
    );
    await Deno.writeTextFile(`${root}/static/a.css`, "a {}\n");
    await run(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Runs the development server for the time of `run`, with the terminal kept quiet. */
async function served(root: string, importApp: () => Promise<App<unknown>>, run: (origin: string) => Promise<void>) {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Deno.NetAddr>();
  const { error } = console;
  console.error = () => {};
  try {
    await new Builder({ root }).listen(importApp, {
      hostname: "127.0.0.1",
      port: 0,
      signal: controller.signal,
      onListen: resolve,
    });
    await run(`http://127.0.0.1:${(await promise).port}`);
  } finally {
    controller.abort();
    console.error = error;
  }
}

const newApp = () => Promise.resolve(new App().use(staticFiles()).fsRoutes());

async function textOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

Deno.test("the development server serves routes and writes fresh.gen.ts", async () => {
  await withProject(async (root) => {
    await served(root, newApp, async (origin) => {
      assertEquals(await textOf(`${origin}/`), "<p>dev</p>");
      const css = await fetch(`${origin}/a.css`);
      assertEquals([await css.text(), css.headers.get("etag")], ["a {}\n", null]);
      assertStringIncludes(css.headers.get("cache-control") ?? "", "no-store");
      assertStringIncludes(await Deno.readTextFile(`${root}/fresh.gen.ts`), "./routes/index.ts");
    });
  });
});

Deno.test("a page learns of a changed static file", async () => {
  await withProject(async (root) => {
    await served(root, newApp, async (origin) => {
      assertStringIncludes(await textOf(`${origin}/_frsh/reload.js`), "location.reload()");
      const socket = new WebSocket(`${origin.replace("http", "ws")}/_frsh/alive`);
      const closed = new Promise((resolve) => socket.onclose = resolve);
      const revisions: string[] = [];
      await new Promise<void>((resolve) => {
        socket.onmessage = async ({ data }) => {
          revisions.push(data);
          if (revisions.length === 1) await Deno.writeTextFile(`${root}/static/a.css`, "b {}\n");
          else resolve();
        };
      });
      assertEquals(revisions[0] === revisions[1], false);
      assertEquals(await textOf(`${origin}/a.css`), "b {}\n");
      socket.close();
      await closed;
    });
  });
});

Deno.test("a page says why the app cannot be loaded, and reloads later", async () => {
  await withProject(async (root) => {
    await Deno.writeTextFile(`${root}/islands/Bad.tsx`, "export default () => <p>{</p>;\n");
    await served(root, newApp, async (origin) => {
      const response = await fetch(`${origin}/any`);
      assertEquals(response.status, 500);
      const html = await response.text();
      assertStringIncludes(html, "Bad.tsx");
      assertStringIncludes(html, 'src="/_frsh/reload.js"');
    });
  });
});
