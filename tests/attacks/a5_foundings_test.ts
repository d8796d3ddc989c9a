/** One address makes rooms as fast as it can, signed and unsigned. */
import { newGenesis } from "../support/client.ts";
import { attack } from "./attack.ts";
import { request } from "./http.ts";
import { Crowd } from "./people.ts";
import { startTarget } from "./target.ts";

const ATTACKER = "127.66.0.1";

attack("A5", "150 foundings of one address leave the home page and its founders alone", async ({ findings }) => {
  await using target = await startTarget();
  const { port } = target;
  const make = async (from: string, name: string, signed = true) => {
    const { wire: [payload, signature] } = await newGenesis({ roomKind: "listed", name, at: Date.now() });
    const body = JSON.stringify([payload, signed ? signature : "A".repeat(86)]);
    return (await request({ port, from }, "/api/rooms", { method: "POST", body })).status;
  };
  const stage = await target.newRoom("listed");
  using _crowd = await Crowd.enter({ port, room: stage, count: 3, from: (index) => `127.1.0.${index + 1}` });
  findings.atMost("status of an honest founding", await make("127.1.0.9", "Quiet corner"), 201);

  const flood = await Promise.all(Array.from({ length: 150 }, (_, n) => make(ATTACKER, `Buy now ${n}`)));
  findings.note("foundings", { made: flood.filter((status) => status === 201).length, of: flood.length });
  // The list is a second old at the most, and presence is announced within two.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const { body } = await request({ port, from: "127.2.0.1" }, "/api/rooms");
  const names = JSON.parse(body).rooms.map(({ room }: { room: { name: string } }) => room.name);
  findings.note("list", names.slice(0, 6));
  findings.atMost("place of the room with people", names.indexOf("Main stage") + 1 || 99, 1);
  findings.atMost("place of the other founder's room", names.indexOf("Quiet corner") + 1 || 99, 5);

  const unsigned = await Promise.all(Array.from({ length: 200 }, (_, n) => make("127.3.0.1", `Nothing ${n}`, false)));
  findings.note("unsigned", { made: unsigned.filter((status) => status === 201).length, of: unsigned.length });
  findings.atMost("status of a founding from their address", await make("127.3.0.1", "Our tent"), 201);
});
