import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { App, type Context, createDefine, HttpError, page } from "fresh";

interface State {
  seen: string[];
}

const define = createDefine<State>();

function newApp(): App<State> {
  return new App<State>().use((ctx) => {
    ctx.state.seen = [];
    return ctx.next();
  });
}

async function ask(app: App<State>, path: string, init?: RequestInit) {
  const response = await app.handler()(new Request(`http://localhost${path}`, init));
  return { status: response.status, text: await response.text(), headers: response.headers };
}

function mark(name: string) {
  return define.middleware((ctx) => {
    ctx.state.seen.push(name);
    return ctx.next();
  });
}

const answerSeen = (ctx: Context<State>) => new Response(ctx.state.seen.join(" "));

/** Runs with the expected error messages kept out of the test's output. */
async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await run();
  } finally {
    console.error = error;
  }
}

Deno.test("a middleware applies only to routes added after it", async () => {
  const app = newApp().use(mark("one")).get("/early", answerSeen).use(mark("two")).get("/late", answerSeen);
  assertEquals((await ask(app, "/early")).text, "one");
  assertEquals((await ask(app, "/late")).text, "one two");
});

Deno.test("a middleware with a path applies at and below that path", async () => {
  const app = newApp().use("/a", mark("a")).get("/a", answerSeen).get("/a/b", answerSeen).get("/ab", answerSeen);
  assertEquals((await ask(app, "/a")).text, "a");
  assertEquals((await ask(app, "/a/b")).text, "a");
  assertEquals((await ask(app, "/ab")).text, "");
});

Deno.test("several middlewares of one call run in order, and those of a route after them", async () => {
  const app = newApp().use(mark("1"), mark("2")).get("/", mark("3"), answerSeen);
  assertEquals((await ask(app, "/")).text, "1 2 3");
});

Deno.test("a middleware may change the response", async () => {
  const app = newApp().use(async (ctx) => {
    const response = await ctx.next();
    response.headers.set("x-after", "yes");
    return response;
  }).get("/", () => new Response("ok"));
  assertEquals((await ask(app, "/")).headers.get("x-after"), "yes");
});

Deno.test("all() answers every method", async () => {
  const app = newApp().all("/y", (ctx) => new Response(ctx.req.method));
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
    assertEquals((await ask(app, "/y", { method })).text, method);
  }
});

Deno.test("HEAD is answered as GET without a body", async () => {
  const app = newApp().get("/", () => new Response("body", { headers: { "x-a": "1" } }));
  const head = await ask(app, "/", { method: "HEAD" });
  assertEquals([head.status, head.text, head.headers.get("x-a")], [200, "", "1"]);
});

Deno.test("a known path with another method is 405, and OPTIONS lists the methods", async () => {
  const handler = define.handlers({ GET: () => new Response("x"), POST: () => new Response("x") });
  const app = newApp().route("/x", { handler });
  assertEquals((await ask(app, "/x", { method: "DELETE" })).status, 405);
  const options = await ask(app, "/x", { method: "OPTIONS" });
  assertEquals([options.status, options.headers.get("allow")], [204, "GET, POST"]);
});

Deno.test("an unknown path is 404 and still passes the root's middlewares", async () => {
  let passes = 0;
  const app = newApp().use((ctx) => {
    passes++;
    return ctx.next();
  });
  const answer = await ask(app, "/nowhere");
  assertEquals([answer.status, answer.text, passes], [404, "Not Found", 1]);
});

Deno.test("dynamic parts of a path are decoded into params; a fixed path wins", async () => {
  const app = newApp().get("/:room/m/:id", (ctx) => Response.json(ctx.params)).get(
    "/a/m/b",
    () => new Response("fixed"),
  );
  assertEquals((await ask(app, "/caf%C3%A9/m/7")).text, '{"room":"café","id":"7"}');
  assertEquals((await ask(app, "/a/m/b")).text, "fixed");
});

Deno.test("a trailing slash and repeated slashes lead to the same route", async () => {
  const app = newApp().get("/a/b", (ctx) => new Response(ctx.url.pathname));
  assertEquals((await ask(app, "/a/b/")).status, 200);
  assertEquals((await ask(app, "/a//b")).text, "/a/b");
});

Deno.test("an HttpError answers with its status and message, any other error reveals nothing", async () => {
  const app = newApp()
    .get("/teapot", () => {
      throw new HttpError(418, "short and stout");
    })
    .get("/named", () => {
      throw new HttpError(403);
    })
    .get("/bug", () => {
      throw new Error("secret");
    });
  const teapot = await ask(app, "/teapot");
  assertEquals([teapot.status, teapot.text], [418, "short and stout"]);
  assertEquals((await ask(app, "/named")).text, "Forbidden");
  const bug = await quietly(() => ask(app, "/bug"));
  assertEquals([bug.status, bug.text], [500, "Internal server error"]);
});

Deno.test("a route shows its component with the handler's data, status and headers", async () => {
  const handler = define.handlers({
    GET: () => page({ name: "Ada" }, { status: 201, headers: { "x-h": "1" } }),
    POST: () => new Response("posted"),
  });
  const app = newApp().route("/", {
    handler,
    component: ({ data }) => <h1>Hello {(data as { name: string }).name}</h1>,
  });
  const answer = await ask(app, "/");
  assertEquals([answer.status, answer.headers.get("x-h")], [201, "1"]);
  assertEquals(answer.headers.get("content-type"), "text/html; charset=utf-8");
  assertStringIncludes(answer.text, "<h1>Hello Ada</h1>");
  assertEquals((await ask(app, "/", { method: "POST" })).text, "posted");
  assertEquals((await ask(app, "/", { method: "PUT" })).status, 405);
});

Deno.test("a redirect to //host stays on this site", async () => {
  const app = newApp().get("/r", (ctx) => ctx.redirect(ctx.url.searchParams.get("to")!, 303));
  const location = async (to: string) => {
    const answer = await ask(app, `/r?to=${encodeURIComponent(to)}`);
    assertEquals(answer.status, 303);
    return answer.headers.get("location");
  };
  assertEquals(await location("//evil.example/a//b?next=//x"), "/evil.example/a/b?next=//x");
  assertEquals(await location("/"), "/");
  assertEquals(await location("https://example.com/"), "https://example.com/");
});

Deno.test("render makes a whole document of a fragment", async () => {
  assertEquals(
    (await ask(newApp().get("/bare", (ctx) => ctx.render(<p>bare</p>)), "/bare")).text,
    '<!DOCTYPE html><html><head><meta charset="utf-8"/></head><body><p>bare</p></body></html>',
  );
});

Deno.test("html answers with its content type", async () => {
  const html = await ask(newApp().get("/html", (ctx) => ctx.html("<b>x</b>", { status: 202 })), "/html");
  assertEquals([html.status, html.headers.get("content-type")], [202, "text/html; charset=utf-8"]);
});

Deno.test("render refuses anything but JSX", async () => {
  const app = newApp().get("/", (ctx) => ctx.render("text" as never));
  assertEquals((await quietly(() => ask(app, "/"))).status, 500);
  const ctx = await new Promise<Context<State>>((resolve) => {
    const handler = newApp().get("/", (ctx) => {
      resolve(ctx);
      return new Response("");
    }).handler();
    handler(new Request("http://localhost/")).then((response) => response.text());
  });
  await assertRejects(() => (ctx.render as () => Promise<Response>)(), Error, "No arguments");
});
