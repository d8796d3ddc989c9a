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

const answerSeen = (ctx: Context<State>) => ctx.text(ctx.state.seen.join(" "));

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

Deno.test("a middleware applies only to what is added after it", async () => {
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

Deno.test("a middleware can be loaded on the first request", async () => {
  let loads = 0;
  const app = newApp().get("/", () => {
    loads++;
    return Promise.resolve(answerSeen);
  });
  const handler = app.handler();
  for (let i = 0; i < 2; i++) await (await handler(new Request("http://localhost/"))).text();
  assertEquals(loads, 1);
});

Deno.test("a middleware sees the answer and may change it", async () => {
  const app = newApp().use(async (ctx) => {
    const response = await ctx.next();
    response.headers.set("x-after", "yes");
    return response;
  }).get("/", (ctx) => ctx.text("ok"));
  assertEquals((await ask(app, "/")).headers.get("x-after"), "yes");
});

Deno.test("each method has its own handler, and all() answers each", async () => {
  const app = newApp()
    .get("/x", (ctx) => ctx.text("get")).post("/x", (ctx) => ctx.text("post"))
    .put("/x", (ctx) => ctx.text("put")).patch("/x", (ctx) => ctx.text("patch"))
    .delete("/x", (ctx) => ctx.text("delete")).all("/y", (ctx) => ctx.text(ctx.req.method));
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
    assertEquals((await ask(app, "/x", { method })).text, method.toLowerCase());
    assertEquals((await ask(app, "/y", { method })).text, method);
  }
});

Deno.test("HEAD is answered as GET without a body, unless it has its own handler", async () => {
  const app = newApp().get("/", () => new Response("body", { headers: { "x-a": "1" } }))
    .head("/own", () => new Response(null, { status: 204 }));
  const head = await ask(app, "/", { method: "HEAD" });
  assertEquals([head.status, head.text, head.headers.get("x-a")], [200, "", "1"]);
  assertEquals((await ask(app, "/own", { method: "HEAD" })).status, 204);
});

Deno.test("a known path with another method is 405, and OPTIONS lists the methods", async () => {
  const app = newApp().get("/x", (ctx) => ctx.text("x")).post("/x", (ctx) => ctx.text("x"));
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
  const app = newApp().get("/:room/m/:id", (ctx) => ctx.json(ctx.params)).get("/a/m/b", (ctx) => ctx.text("fixed"));
  assertEquals((await ask(app, "/caf%C3%A9/m/7")).text, '{"room":"café","id":"7"}');
  assertEquals((await ask(app, "/a/m/b")).text, "fixed");
});

Deno.test("a trailing slash and doubled slashes lead to the same route", async () => {
  const app = newApp().get("/a/b", (ctx) => ctx.text(ctx.url.pathname));
  assertEquals((await ask(app, "/a/b/")).status, 200);
  assertEquals((await ask(app, "/a//b")).text, "/a/b");
});

Deno.test("an HttpError becomes its status and message, another error says nothing of itself", async () => {
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

Deno.test("onError answers what is thrown at or below its path, the nearest first", async () => {
  const fail = () => {
    throw new Error("broken");
  };
  const app = newApp()
    .onError("*", (ctx) => ctx.text(`outer ${(ctx.error as Error).message}`, { status: 500 }))
    .onError("/in", { component: ({ error }) => <p>inner {(error as Error).message}</p> })
    .get("/in/x", fail).get("/out", fail);
  assertEquals((await ask(app, "/out")).text, "outer broken");
  const inner = await ask(app, "/in/x");
  assertEquals(inner.status, 500);
  assertStringIncludes(inner.text, "<p>inner broken</p>");
});

Deno.test("notFound answers unknown paths and thrown 404s", async () => {
  const app = newApp()
    .notFound((ctx) => ctx.text(`no ${ctx.url.pathname}`, { status: 404 }))
    .get("/x", () => {
      throw new HttpError(404);
    });
  assertEquals((await ask(app, "/nowhere")).text, "no /nowhere");
  assertEquals((await ask(app, "/x")).text, "no /x");
});

Deno.test("a not-found page has the status that its handler gives it", async () => {
  const component = () => <p>nothing</p>;
  const good = newApp().notFound({ component, handler: () => page(undefined, { status: 404 }) });
  assertEquals((await ask(good, "/nowhere")).status, 404);
  const { warn } = console;
  console.warn = () => {};
  try {
    assertEquals((await ask(newApp().notFound({ component }), "/nowhere")).status, 200);
  } finally {
    console.warn = warn;
  }
});

Deno.test("a route shows its component with the handler's data, status and headers", async () => {
  const handler = define.handlers({
    GET: () => page({ name: "Ada" }, { status: 201, headers: { "x-h": "1" } }),
    POST: (ctx) => ctx.text("posted"),
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

Deno.test("app wrapper and layouts surround a page, outermost first, and can be left out", async () => {
  const app = newApp()
    .appWrapper(({ Component }) => (
      <html>
        <body class="app">
          <Component />
        </body>
      </html>
    ))
    .layout("*", ({ Component }) => (
      <div class="l1">
        <Component />
      </div>
    ))
    // deno-lint-ignore require-await -- an async layout must work
    .layout("/in", async ({ Component }) => (
      <div class="l2">
        <Component />
      </div>
    ))
    .get("/in/page", (ctx) => ctx.render(<p>page</p>))
    .get("/in/bare", (ctx) => ctx.render(<p>bare</p>, {}, { skipAppWrapper: true, skipInheritedLayouts: true }));
  const text = (await ask(app, "/in/page")).text;
  assertStringIncludes(text, '<body class="app"><div class="l1"><div class="l2"><p>page</p></div></div></body>');
  assertEquals(
    (await ask(app, "/in/bare")).text,
    '<!DOCTYPE html><html><head><meta charset="utf-8"/></head><body><p>bare</p></body></html>',
  );
});

Deno.test("another app is mounted below a path with its middlewares", async () => {
  const inner = new App<State>().use(mark("inner")).get("/", answerSeen).get("/x", answerSeen);
  const app = newApp().use(mark("outer")).mountApp("/sub", inner).get("/", answerSeen);
  assertEquals((await ask(app, "/sub")).text, "outer inner");
  assertEquals((await ask(app, "/sub/x")).text, "outer inner");
  assertEquals((await ask(app, "/")).text, "outer");
});

Deno.test("a base path stands before every route", async () => {
  const app = new App<State>({ basePath: "/base" }).get("/x", (ctx) => ctx.text(ctx.config.basePath));
  assertEquals((await ask(app, "/base/x")).text, "/base");
  assertEquals((await ask(app, "/x")).status, 404);
});

Deno.test("forwarded headers make the URL only where the proxy is trusted", async () => {
  const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "chat.example" };
  const urlOf = async (trustProxy: boolean) => {
    const app = new App<State>({ trustProxy }).get("/", (ctx) => ctx.text(ctx.url.origin));
    return (await ask(app, "/", { headers })).text;
  };
  assertEquals(await urlOf(true), "https://chat.example");
  assertEquals(await urlOf(false), "http://localhost");
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

Deno.test("text, html, json and stream answer with their content types", async () => {
  const app = newApp()
    .get("/html", (ctx) => ctx.html("<b>x</b>", { status: 202 }))
    .get("/json", (ctx) => ctx.json({ a: 1 }))
    .get("/stream", (ctx) =>
      ctx.stream(function* () {
        yield "a";
        yield "b";
      }));
  const html = await ask(app, "/html");
  assertEquals([html.status, html.headers.get("content-type")], [202, "text/html; charset=utf-8"]);
  assertEquals((await ask(app, "/json")).headers.get("content-type"), "application/json");
  assertEquals((await ask(app, "/stream")).text, "ab");
});

Deno.test("render refuses what is no JSX", async () => {
  const app = newApp().get("/", (ctx) => ctx.render("text" as never));
  assertEquals((await quietly(() => ask(app, "/"))).status, 500);
  const ctx = await new Promise<Context<State>>((resolve) => {
    const handler = newApp().get("/", (ctx) => {
      resolve(ctx);
      return ctx.text("");
    }).handler();
    handler(new Request("http://localhost/")).then((response) => response.text());
  });
  await assertRejects(() => (ctx.render as () => Promise<Response>)(), Error, "No arguments");
});

Deno.test("listen serves the app on the given port and host until it is aborted", async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<Deno.NetAddr>();
  const app = newApp().get("/", (ctx) => ctx.text(ctx.info.remoteAddr.transport));
  const port = 18_000 + Math.floor(Math.random() * 1000);
  await app.listen({ hostname: "127.0.0.1", port, tcpBacklog: 64, signal: controller.signal, onListen: resolve });
  const address = await promise;
  assertEquals(address.port, port);
  const response = await fetch(`http://127.0.0.1:${port}/`);
  assertEquals(await response.text(), "tcp");
  controller.abort();
});
