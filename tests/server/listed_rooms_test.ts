/** The list of rooms on the home page, and who pays for making rooms. */
import { assert, assertEquals } from "@std/assert";
import { rankListed } from "../../lib/server/rooms/rooms.ts";
import { newGenesis, TestClient } from "../support/client.ts";
import { VirtualTime } from "../support/virtual_time.ts";
import { startTestServer } from "./support.ts";

const HONEST = "198.51.100.7";
const FLOOD = "203.0.113.5";

Deno.test("[ROOM-5] the list is ordered by people, then by activity, with three rooms of one founder before all others", () => {
  const room = (founder: string, people: number, lastAt: number) => ({ founder, people, lastAt });
  const rooms = [
    ...Array.from({ length: 6 }, (_, at) => room("flood", 0, 900 + at)),
    room("ada", 0, 100),
    room("ben", 2, 50),
    room("flood", 1, 10),
  ];
  const order = rankListed(rooms, 3).map(({ founder, people, lastAt }) => `${founder} ${people} ${lastAt}`);
  assertEquals(order, [
    "ben 2 50",
    "flood 1 10",
    "flood 0 905",
    "flood 0 904",
    "ada 0 100",
    "flood 0 903",
    "flood 0 902",
    "flood 0 901",
    "flood 0 900",
  ]);
});

Deno.test("[ROOM-5] six hundred rooms that one address makes do not push a room with people, or another founder's, off the list", async () => {
  const time = new VirtualTime();
  const { server, wire, close } = startTestServer({ time });
  let devices = 0;
  const make = async (name: string, address: string) => {
    const { wire } = await newGenesis({ name, roomKind: "listed" });
    const answer = await server.createRoom(wire, { device: `device ${++devices}`, address });
    assert("room" in answer, JSON.stringify(answer));
    return answer.room;
  };
  const stage = await make("Main stage", HONEST);
  await make("Quiet corner", HONEST);
  for (let n = 0; n < 600; n++) {
    await make(`Buy now ${n}`, FLOOD);
    await time.run(1_000);
  }
  const ada = await TestClient.join({ open: wire(stage.id).open, room: stage.id, name: "Ada" });
  await time.run(2_000);
  const names = (await server.listedRooms()).map(({ room }) => room.name);
  assertEquals([names[0], names.length], ["Main stage", 50]);
  assert(names.indexOf("Quiet corner") <= 4, `at ${names.indexOf("Quiet corner")}`);
  await ada.close();
  await Promise.all([close(), time.run(10_000)]);
});

Deno.test("[ROOM-6] requests without a valid signature use up nobody's allowance", async () => {
  const { server, close } = startTestServer();
  for (let n = 0; n < 300; n++) {
    const { wire: [payload] } = await newGenesis({ roomKind: "listed" });
    const unsigned = await server.createRoom([payload, "A".repeat(86)], { device: `d${n}`, address: FLOOD });
    assertEquals("problem" in unsigned && unsigned.problem, "bad_signature");
  }
  const { wire } = await newGenesis({ roomKind: "listed" });
  assert("room" in await server.createRoom(wire, { device: "founder", address: FLOOD }));
  await close();
});
