import { assertEquals } from "@std/assert";
import { App } from "fresh";

/** Serves the app for the time of `run`, which gets the address without its scheme. */
async function served(app: App<unknown>, run: (host: string) => Promise<void>): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.handler());
  try {
    await run(`127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

/** Opens a socket, sends "hello" and returns what came back. */
async function exchange(url: string, protocol?: string): Promise<{ reply: unknown; protocol: string }> {
  const socket = new WebSocket(url, protocol === undefined ? [] : [protocol]);
  const closed = new Promise((resolve) => socket.onclose = resolve);
  try {
    const reply = await new Promise((resolve, reject) => {
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => resolve(data);
      socket.onerror = () => reject(new Error("The socket failed."));
    });
    return { reply, protocol: socket.protocol };
  } finally {
    socket.close(4001, "bye");
    await closed;
  }
}

Deno.test("ctx.upgrade returns the socket and the answer", async () => {
  const app = new App().get("/ws", (ctx) => {
    const { socket, response } = ctx.upgrade({ protocol: "bare" });
    socket.onmessage = ({ data }) => socket.send(`bare ${data}`);
    return response;
  });
  await served(app, async (host) => {
    assertEquals(await exchange(`ws://${host}/ws`, "bare"), { reply: "bare hello", protocol: "bare" });
  });
});

Deno.test("a request without an upgrade to a socket route is 400", async () => {
  const app = new App().get("/ws", (ctx) => ctx.upgrade().response);
  const response = await app.handler()(new Request("http://localhost/ws"));
  assertEquals(response.status, 400);
  assertEquals(await response.text(), "Expected a WebSocket upgrade request");
});
