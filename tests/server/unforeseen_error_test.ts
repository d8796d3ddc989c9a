/** An unforeseen error in one connection ends that connection; everybody else goes on. */
import { assert, assertEquals } from "@std/assert";
import { CLOSE_REASONS, closeReasonOf } from "../../lib/protocol/codes.ts";
import { nodeVerifier } from "../../lib/server/rooms/verifier.ts";
import { TestClient } from "../support/client.ts";
import { startBothTransports } from "./both_transports.ts";
import { startTestServer } from "./support.ts";

/** The client's step that meets the error. */
const STEPS = {
  hello: (client: TestClient) => client.connect(),
  "catching up": (client: TestClient) => client.connect(),
  history: (client: TestClient) => client.send({ type: "history", before: 5, limit: 2 }),
  "checking signatures": async (client: TestClient) => client.sendEvents(await client.signText("never checked")),
};
type Step = keyof typeof STEPS;

/** A server on which the step that `failAt` names fails once. */
function startFailing() {
  let failing: Step | undefined;
  const failIf = (...steps: Step[]) => {
    if (failing === undefined || !steps.includes(failing)) return;
    failing = undefined;
    throw new TypeError("nobody foresaw this");
  };
  const real = nodeVerifier();
  const server = startBothTransports({
    // Only the newest event is in memory, so pages come from the store.
    config: { fanOut: { recentEvents: 1 } },
    verifier: {
      verify(author, text, signature) {
        failIf(text.includes('"nonce"') ? "hello" : "checking signatures");
        return real.verify(author, text, signature);
      },
    },
  });
  const { log } = server.store;
  const readRange = log.readRange.bind(log);
  log.readRange = (...range) => {
    failIf("history", "catching up");
    return readRange(...range);
  };
  return { ...server, failAt: (step: Step) => void (failing = step) };
}

for (const transport of ["socket", "poll"] as const) {
  for (const step of ["hello", "catching up", "history", "checking signatures"] as const) {
    Deno.test(`[BYE-2] an unforeseen error in ${step} ends only its connection (${transport})`, async () => {
      const server = startFailing();
      const { id: room } = await server.newRoom();
      const witness = await TestClient.join({ room, name: "Ada", open: server.socket(room) });
      for (let count = 1; count <= 6; count++) await witness.say(`before ${count}`);
      const victim = await TestClient.create({ room, name: "Bob", open: server[transport](room) });
      if (step === "history" || step === "checking signatures") await victim.connect();

      server.failAt(step);
      await STEPS[step](victim);
      assertEquals(closeReasonOf(await victim.closed()), "internal_error");
      const goodbye = victim.frames.find((frame) => frame.type === "goodbye");
      assert(goodbye?.retryAfterMs !== undefined, "it is told when to come back");
      const line = `a connection was closed: ${step} failed: TypeError at failIf`;
      assertEquals(server.log.filter((logged) => logged.startsWith(line)).length, 1, server.log.join("\n"));

      await witness.say("after");
      assertEquals(witness.closeCode, undefined);
      await victim.connect();
      await victim.holds(8);
      assertEquals(server.server.counts().connections, 2, "the connection that ended is no longer counted");
      for (const client of [witness, victim]) {
        assertEquals(client.violations, []);
        await client.close();
      }
      await server.close();
    });
  }
}

Deno.test("[BYE-2] a connection that cannot send is ended, and everybody after it receives the same event", async () => {
  const server = startTestServer();
  const { id: room } = await server.newRoom();
  const open = server.wire(room).open;
  const ada = await TestClient.join({ room, name: "Ada", open });
  let broken = false, closeCode = 0;
  const victim = await TestClient.join({
    room,
    name: "Bob",
    open: ({ onFrame, onClose }) => {
      const handle = server.server.connect(room, {
        send(text) {
          if (broken) throw new TypeError("nobody foresaw this");
          queueMicrotask(() => onFrame(text));
        },
        close: (code) => onClose(closeCode = code),
        bufferedBytes: () => 0,
      }, { device: "Bob", address: "192.0.2.1" });
      return { send: (text) => handle.receive(text), close: () => handle.closed() };
    },
  });
  const cem = await TestClient.join({ room, name: "Cem", open });
  broken = true;
  await ada.say("hello");
  await cem.until(() => cem.texts.includes("hello"));
  assertEquals(closeCode, CLOSE_REASONS.internal_error.code);
  assert(server.log.some((line) => line.startsWith("a connection was closed: sending failed: TypeError at")));
  for (const client of [ada, victim, cem]) assertEquals(client.violations, []);
  await server.close();
});
