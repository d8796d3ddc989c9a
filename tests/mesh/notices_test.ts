/** The operator's notices in the mesh: [NOTICE-7] and [NOTICE-5] of docs/PROTOCOL.md. */
import { assertEquals } from "@std/assert";
import type { WireEvent } from "../../lib/protocol/event.ts";
import type { MeshFrame } from "../../lib/protocol/peer/mesh_frames.ts";
import { MeshHarness } from "./mesh_harness.ts";

const NOTICE: WireEvent = ['{"notice":1}', "A".repeat(86)];

const told = (mesh: MeshHarness) =>
  mesh.sent.filter(({ frame }) => frame.type === "notices").map(({ to, frame }) =>
    [to, (frame as Extract<MeshFrame, { type: "notices" }>).notices] as const
  );

Deno.test("[NOTICE-7] current peers get notices at once, new ones when they link; without notices no frame is sent", () => {
  const mesh = new MeshHarness();
  const [a, b] = mesh.peers(2);
  assertEquals(told(mesh), []);
  mesh.node.setNotices([NOTICE]);
  assertEquals(told(mesh), [[a!, [NOTICE]], [b!, [NOTICE]]]);
  const c = mesh.key();
  mesh.node.linked(c);
  assertEquals(told(mesh).at(-1), [c, [NOTICE]]);
});

Deno.test("[NOTICE-5] a peer that relays a forged notice loses the link; a refused notice costs nothing", async () => {
  for (const [verdict, banned] of [["good", 0], ["refused", 0], ["forged", 1]] as const) {
    const mesh = new MeshHarness({ onNotices: () => Promise.resolve(verdict) });
    const [a] = mesh.peers(1);
    mesh.node.receive(a!, JSON.stringify({ type: "notices", notices: [NOTICE] }));
    await Promise.resolve();
    assertEquals([verdict, mesh.banned.length], [verdict, banned]);
  }
});

Deno.test("[NOTICE-7] a frame with too many notices is invalid", () => {
  let heard = 0;
  const mesh = new MeshHarness({
    onNotices: () => {
      heard++;
      return Promise.resolve("good");
    },
  });
  const [a] = mesh.peers(1);
  mesh.node.receive(a!, JSON.stringify({ type: "notices", notices: Array(9).fill(NOTICE) }));
  assertEquals(heard, 0);
});
