/**
 * Old and new meet (P9 in docs/ARCHITECTURE.md): the last release and a later version that knows one kind more, in each
 * other's place on servers, in pages and among phones. Nothing typed is lost, and no honest phone loses its links.
 */
import { assert, assertEquals } from "@std/assert";
import { type Field, type OwnServer, rule } from "../browser/field.ts";
import { link, untilReached } from "../browser/phones.ts";
import { t, type Tab } from "../browser/tab.ts";
import { Cluster, portOf } from "../cluster/cluster.ts";
import { findDenokv } from "../cluster/denokv.ts";
import { GREETING_COMMAND, GREETING_TEXT, lastRelease, nextVersion } from "./checkouts.ts";

/** Two builds, and pages that come back after their server was away. */
const options = { timeoutMs: 300_000 };
/** After a while without a server every transport to it rests, and then has one trial. */
const BACK_WITHIN_MS = 40_000;

interface Scene {
  server: OwnServer;
  person(name: string): Promise<Tab>;
}

async function scene(field: Field, checkout: string): Promise<Scene> {
  const server = await field.ownServer({ FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" }, checkout);
  return {
    server,
    async person(name) {
      const tab = await field.person(name, { origin: server.url, mesh: "auto" });
      // The server is replaced, and with it the files that pages of the other version load on demand.
      tab.device.expects(
        /ERR_CONNECTION_REFUSED|ERR_SOCKET_NOT_CONNECTED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/,
        /404/,
      );
      tab.device.context.setDefaultTimeout(20_000);
      return tab;
    },
  };
}

/** Another version takes the server's place: the same address and database. Somebody types while there is none. */
async function replace({ server }: Scene, checkout: string, people: Tab[], typed: string): Promise<void> {
  await server.kill();
  await people[0]!.send(typed);
  await server.startAgain(undefined, checkout);
  for (const person of people) await person.status(t.connection.connected).waitFor({ timeout: BACK_WITHIN_MS });
  await people[0]!.untilStored(typed);
}

const newer = (person: Tab) => person.log.getByText(t.room.newer, { exact: true });

rule("an old page goes on at a new server, and a new page at an old one; nothing typed is lost", async (field) => {
  const [old, next] = await Promise.all([lastRelease(), nextVersion()]);
  const stage = await scene(field, old);
  const ada = await stage.person("Ada");
  const path = await ada.startRoom("Two versions");
  await ada.say("old page, old server");

  await replace(stage, next, [ada], "old page, no server");
  await ada.say("old page, new server");
  const cleo = await stage.person("Cleo");
  await cleo.enter(path);
  await cleo.say("new page, new server");
  await cleo.send(GREETING_COMMAND);
  await cleo.untilStored(GREETING_TEXT);
  await newer(ada).waitFor();
  await ada.reload();
  await ada.hears(GREETING_TEXT);

  await replace(stage, old, [cleo, ada], "new page, no server");
  await cleo.send(GREETING_COMMAND);
  await cleo.say("new page, old server");
  const dan = await stage.person("Dan");
  await dan.enter(path);
  await dan.say("old page again");
  assertEquals(await newer(dan).count(), 2, "both greetings are kept, also the one that only the old server was given");
  const said = [
    "old page, old server",
    "old page, no server",
    "old page, new server",
    "new page, new server",
    "new page, no server",
    "new page, old server",
    "old page again",
  ];
  await dan.shows(said);
  for (const person of [ada, cleo]) {
    await person.hears(...said);
    assertEquals((await person.messages()).filter((text) => text !== GREETING_TEXT), said);
  }
}, options);

rule("old and new phones form one mesh, relay events that they cannot read, and keep their links", async (field) => {
  const [old, next] = await Promise.all([lastRelease(), nextVersion()]);
  const stage = await scene(field, old);
  const [ada, ben] = [await stage.person("Ada"), await stage.person("Ben")];
  const path = await ada.startRoom("One mesh");
  await ben.enter(path);
  await link([ada, ben]);
  await replace(stage, next, [ada, ben], "while the server changes");
  const cleo = await stage.person("Cleo");
  await cleo.enter(path);
  await untilReached(cleo, 2);

  await stage.server.kill();
  for (const person of [ada, ben, cleo]) await person.status(t.connection.phones).waitFor();
  await cleo.send("from a new phone");
  await cleo.send(GREETING_COMMAND);
  await ada.send("from an old phone");
  for (const person of [ada, ben, cleo]) await person.hears("from a new phone", "from an old phone");
  for (const person of [ada, ben]) await newer(person).waitFor();
  for (const person of [ada, ben, cleo]) await untilReached(person, 2);

  await stage.server.startAgain(undefined, old);
  await ada.untilStored("from an old phone");
  await cleo.untilStored("from a new phone");
  await cleo.untilStored(GREETING_TEXT);
  const dan = await stage.person("Dan");
  await dan.enter(path);
  await dan.hears("from a new phone", "from an old phone");
  await newer(dan).waitFor();
}, options);

const denokv = findDenokv();

Deno.test({
  name: "a later version is deployed instance by instance under traffic, and taken back: nothing is lost or twice",
  ignore: denokv === undefined,
  fn: () =>
    Cluster.with(denokv!, async (cluster) => {
      const [old, next] = await Promise.all([lastRelease(), nextVersion()]);
      for (let count = 0; count < 2; count++) await cluster.addInstance({ checkout: old });
      await cluster.addRoom(6);
      cluster.begin();
      for (const checkout of [next, old]) {
        for (const before of [...cluster.instances]) {
          await cluster.more(100);
          await cluster.addInstance({ checkout });
          cluster.balancer.remove(portOf(before));
          await before.stop();
          cluster.instances.splice(cluster.instances.indexOf(before), 1);
        }
      }
      await cluster.more(100);
      assert((await cluster.connections()).reduce((sum, count) => sum + count) === 6);
      await cluster.check();
    }),
});
