/**
 * How files get from phone to phone: the rules of docs/PROTOCOL.md, "Files", and a seeded crowd that lies, leaves and
 * reloads.
 */
import { assert, assertEquals } from "@std/assert";
import { ANSWER_TIMEOUT_MS, CARRY_AFTER_MS, UPLOADS_PER_NEIGHBOUR } from "../../lib/files/file_limits.ts";
import { encodeFileFrame } from "../../lib/protocol/peer/file_frames.ts";
import { FILE_BLOCK_BYTES } from "../../lib/protocol/limits.ts";
import { SeededRandom } from "../simulation/random.ts";
import { FileNetwork, type FilePhone } from "./file_network.ts";

const BLOCKS_7 = 6 * FILE_BLOCK_BYTES + 1_000;

function chain(world: FileNetwork, phones: FilePhone[]): void {
  for (const [at, phone] of phones.entries()) if (at > 0) world.link(phones[at - 1]!, phone);
}

Deno.test("[FILE-4] a linked phone downloads a file from its author, block by block, unchanged", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const bytes = world.bytes(BLOCKS_7);
  const { root } = await ada!.offer(bytes);
  await ben!.exchange.fetch(root);
  await world.until(() => ben!.has(root), 5_000);
  assertEquals(await ben!.bytes(root), bytes);
  // And the author knows that it is not alone with it any more.
  await world.until(async () => (await ada!.store.find(root))!.shared, 1_000);
  assertEquals(ben!.exchange.progress(root), undefined);
});

Deno.test("[FILE-7] without the author, a third phone gets the file from the second", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  chain(world, [ada!, ben!, cleo!]);
  const { root } = await ada!.offer(world.bytes(BLOCKS_7));
  await ben!.exchange.fetch(root);
  await world.until(() => ben!.has(root), 5_000);
  world.leave(ada!);
  await cleo!.exchange.fetch(root);
  await world.until(() => cleo!.has(root), 5_000);
  assert(cleo!.dataFrom.has(ben!.key));
});

Deno.test("[FILE-5] several holders send different blocks at the same time", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo, dora] = world.add("Ada", "Ben", "Cleo", "Dora");
  world.link(ada!, ben!);
  world.link(ada!, cleo!);
  const { root } = await ada!.offer(world.bytes(20 * FILE_BLOCK_BYTES));
  for (const phone of [ben!, cleo!]) await phone.exchange.fetch(root);
  await world.until(async () => await ben!.has(root) && await cleo!.has(root), 20_000);
  for (const phone of [ada!, ben!, cleo!]) world.link(phone, dora!);
  await dora!.exchange.fetch(root);
  await world.until(() => dora!.has(root), 20_000);
  const shares = [ada!, ben!, cleo!].map(({ key }) => dora!.dataFrom.get(key) ?? 0);
  assert(shares.every((share) => share > 0), `${shares}`);
  // No block came twice.
  assertEquals(shares.reduce((sum, share) => sum + share, 0), 20 * 17);
});

Deno.test("[FILE-6] a phone that sends false blocks is not asked again, and the file comes from the others", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  world.link(ada!, ben!);
  const bytes = world.bytes(BLOCKS_7);
  const { root } = await ada!.offer(bytes);
  await ben!.exchange.fetch(root);
  await world.until(() => ben!.has(root), 5_000);
  ben!.spoil = (frame) => {
    const spoilt = frame.slice();
    if (spoilt[0] === "d".charCodeAt(0)) spoilt[60]! ^= 1;
    return spoilt;
  };
  for (const phone of [ada!, ben!]) world.link(phone, cleo!);
  await cleo!.exchange.fetch(root);
  await world.until(() => cleo!.has(root), 20_000);
  assertEquals(await cleo!.bytes(root), bytes);
  const lies = cleo!.dataFrom.get(ben!.key)!;
  // Two more blocks were on their way when the first one was found to be false.
  assert(lies <= 3 * 17, `${lies}`);
});

Deno.test("[FILE-3] a false list of hashes marks its sender as misbehaving; a false size marks the offer as false", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  world.link(ada!, cleo!);
  const { root } = await ada!.offer(world.bytes(BLOCKS_7));
  ada!.spoil = (frame) => {
    const spoilt = frame.slice();
    if (spoilt[0] === "L".charCodeAt(0)) spoilt[40]! ^= 1;
    return spoilt;
  };
  await cleo!.exchange.fetch(root);
  await world.time.run(30_000);
  assertEquals(cleo!.exchange.progress(root)?.blockedReason, "no_holder");
  assert(cleo!.logs.some((line) => line.includes("false data")));
  ada!.spoil = undefined;
  world.link(ada!, ben!);
  ben!.knows.set(root, { root, bytes: BLOCKS_7 + FILE_BLOCK_BYTES, author: cleo!.key });
  await ben!.exchange.fetch(root);
  await world.time.run(2_000);
  assertEquals(ben!.exchange.progress(root)?.blockedReason, "false_offer");
});

Deno.test("[FILE-8] a reload during a download loses only the blocks in flight", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const bytes = world.bytes(40 * FILE_BLOCK_BYTES);
  const { root } = await ada!.offer(bytes);
  await ben!.exchange.fetch(root);
  await world.until(async () => (await ben!.store.find(root))!.blocks.size >= 20, 30_000);
  await ben!.reload();
  await world.until(() => ben!.has(root), 30_000);
  assertEquals(await ben!.bytes(root), bytes);
  const frames = ben!.dataFrom.get(ada!.key)!;
  assert(frames <= (40 + 4) * 17, `${frames} frames for 40 blocks`);
});

Deno.test("[FILE-8] a stopped download receives nothing and resumes where it stopped", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const { root } = await ada!.offer(world.bytes(40 * FILE_BLOCK_BYTES));
  await ben!.exchange.fetch(root);
  await world.until(async () => (await ben!.store.find(root))!.blocks.size >= 10, 30_000);
  ben!.exchange.stop(root);
  await world.time.run(1_000);
  const frames = ben!.dataFrom.get(ada!.key);
  await world.time.run(10_000);
  assertEquals(ben!.dataFrom.get(ada!.key), frames);
  await ben!.exchange.fetch(root);
  await world.until(() => ben!.has(root), 30_000);
  assert(ben!.dataFrom.get(ada!.key)! <= (40 + 6) * 17);
});

Deno.test("[FILE-6] data of an abandoned and repeated request is no misbehaviour", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  world.bytesPerMs = 64;
  const { root } = await ada!.offer(world.bytes(2 * FILE_BLOCK_BYTES));
  await ben!.exchange.fetch(root);
  await world.time.run(1_000);
  // The rest of a block hangs somewhere for longer than anybody waits.
  world.latencyMs = 2 * ANSWER_TIMEOUT_MS;
  await world.time.run(1_000);
  world.latencyMs = 5;
  await world.until(() => ben!.has(root), 120_000);
  assert(!ben!.logs.some((line) => line.includes("false data")), ben!.logs.join("\n"));
});

Deno.test("[FILE-7] a paused file is not carried for others and stays paused", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  chain(world, [ada!, ben!, cleo!]);
  const { root, bytes } = await ada!.offer(world.bytes(1_000));
  await ben!.store.note(root, { bytes, reason: "paused" });
  await cleo!.exchange.fetch(root);
  await world.time.run(60_000);
  const { reason, blocks } = (await ben!.store.find(root))!;
  assertEquals([reason, blocks.size, await cleo!.has(root)], ["paused", 0, false]);
});

Deno.test("[FILE-7] without a linked holder the author is dialled, then the next hop carries the file", async () => {
  const world = new FileNetwork();
  const phones = world.add("Ada", "Ben", "Cleo", "Dora");
  const [ada, , cleo, dora] = phones;
  chain(world, phones);
  const [stranger] = world.add("Eve");
  world.link(stranger!, dora!);
  const { root } = await ada!.offer(world.bytes(BLOCKS_7));
  await dora!.exchange.fetch(root);
  await world.time.run(2_000);
  assertEquals(dora!.calls, [ada!.key]);
  assertEquals(dora!.exchange.progress(root)?.blockedReason, "no_holder");
  await world.until(() => dora!.has(root), 4 * CARRY_AFTER_MS);
  assertEquals((await cleo!.store.find(root))!.reason, "carried");
  // Only the way there was asked: nobody else paid for it.
  assertEquals(await stranger!.store.find(root), undefined);
});

Deno.test("[FILE-7] a phone that may not carry files does not", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  chain(world, [ada!, ben!, cleo!]);
  ben!.mayCarry = false;
  const { root } = await ada!.offer(world.bytes(1_000));
  await cleo!.exchange.fetch(root);
  await world.time.run(60_000);
  assertEquals(await ben!.store.find(root), undefined);
  assertEquals(cleo!.exchange.progress(root)?.blockedReason, "no_holder");
});

Deno.test("[FILE-7] carrying ends when the phones that want the file are gone", async () => {
  const world = new FileNetwork();
  const [ada, ben, cleo] = world.add("Ada", "Ben", "Cleo");
  chain(world, [ada!, ben!, cleo!]);
  world.bytesPerMs = 64;
  const { root } = await ada!.offer(world.bytes(40 * FILE_BLOCK_BYTES));
  await cleo!.exchange.fetch(root);
  await world.until(async () => ((await ben!.store.find(root))?.blocks.size ?? 0) >= 1, 60_000);
  world.unlink(ben!, cleo!);
  await world.time.run(5_000);
  const { size } = (await ben!.store.find(root))!.blocks;
  await world.time.run(60_000);
  assertEquals((await ben!.store.find(root))!.blocks.size, size);
});

Deno.test("[FILE-2] a file that the room does not offer is neither revealed nor sent", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const { root } = await ada!.offer(world.bytes(1_000));
  ada!.knows.delete(root); // Taken back.
  await ben!.exchange.fetch(root);
  await world.time.run(5_000);
  assert(ben!.heard.length > 0 && ben!.heard.every((frame) => frame.type === "have" && frame.bits.length === 0));
  for (const type of ["ask_list", "ask_block"] as const) {
    ada!.exchange.received(ben!.key, encodeFileFrame({ type, root, index: 0 }).buffer);
  }
  await world.time.run(1_000);
  assertEquals([...ben!.dataFrom], []);
});

Deno.test("[FILE-12] a file whose offer is retracted while its record is read is not downloaded and leaves no record", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const { root } = await ada!.offer(world.bytes(1_000));
  const fetching = ben!.exchange.fetch(root);
  ben!.knows.delete(root);
  await fetching;
  assertEquals([await ben!.store.all(), ben!.exchange.progress(root)], [[], undefined]);
});

Deno.test("[FILE-9] a full device reports it, keeps running downloads, and evicts complete files first", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  ben!.maxBytes = 10 * FILE_BLOCK_BYTES;
  ben!.open();
  world.link(ada!, ben!);
  const [small, large, larger] = [
    await ada!.offer(world.bytes(4 * FILE_BLOCK_BYTES)),
    await ada!.offer(world.bytes(8 * FILE_BLOCK_BYTES)),
    await ada!.offer(world.bytes(11 * FILE_BLOCK_BYTES)),
  ];
  await ben!.exchange.fetch(small.root);
  await world.until(() => ben!.has(small.root), 10_000);
  await ben!.exchange.fetch(large.root);
  await world.until(() => ben!.has(large.root), 10_000);
  assertEquals(await ben!.store.find(small.root), undefined);
  await ben!.exchange.fetch(larger.root);
  await world.time.run(20_000);
  assertEquals(ben!.exchange.progress(larger.root)?.blockedReason, "full");
});

Deno.test("[FILE-10] requests beyond a peer's queue are refused, and uploads to it are bounded", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  world.bytesPerMs = 16;
  const { root } = await ada!.offer(world.bytes(100 * FILE_BLOCK_BYTES));
  for (let index = 0; index < 100; index++) {
    ada!.exchange.received(ben!.key, encodeFileFrame({ type: "ask_block", root, index }).buffer);
  }
  await world.time.run(1_000);
  const refused = ben!.heard.filter(({ type }) => type === "refused").length;
  assert(refused >= 100 - UPLOADS_PER_NEIGHBOUR - 2, `${refused}`);
  assert(ada!.links.get(ben!)!.waiting < 600_000);
});

Deno.test("[FILE-10] junk on the channel changes nothing", async () => {
  const world = new FileNetwork();
  const [ada, ben] = world.add("Ada", "Ben");
  world.link(ada!, ben!);
  const { root } = await ada!.offer(world.bytes(BLOCKS_7));
  await ben!.exchange.fetch(root);
  const random = new SeededRandom(7);
  for (let at = 0; at < 3_000; at++) {
    const junk = Uint8Array.from({ length: random.between(0, 80) }, () => random.between(0, 255));
    if (junk.length > 0 && random.chance(0.7)) junk[0] = "wuhlLbdr".charCodeAt(random.between(0, 7));
    const frame = encodeFileFrame({ type: "unwant", root }).subarray(1, junk.length);
    if (junk.length > 0 && random.chance(0.3)) junk.set(frame, 1);
    ben!.exchange.received(ada!.key, random.chance(0.1) ? "text" : junk.buffer);
  }
  await world.until(() => ben!.has(root), 60_000);
});

const SEEDS = Array.from({ length: 12 }, (_, at) => at + 1);
for (const seed of SEEDS) {
  Deno.test(`with broken links, reloads and two misbehaving phones of nine, every phone gets every file, seed ${seed}`, async () => {
    const world = new FileNetwork(seed);
    const { random } = world;
    world.bytesPerMs = 512;
    const phones = world.add("Ada", "Ben", "Cleo", "Dora", "Eli", "Fay", "Gus", "Hana", "Ivo");
    const honest = phones.slice(0, 7);
    for (const liar of phones.slice(7)) {
      liar.spoil = (frame) => {
        const spoilt = frame.slice();
        if ("dLh".includes(String.fromCharCode(spoilt[0]!)) && random.chance(0.5)) spoilt[spoilt.length - 1]! ^= 255;
        return spoilt;
      };
    }
    // A ring of the honest keeps them together; the rest is chance.
    for (const [at, phone] of honest.entries()) world.link(phone, honest[(at + 1) % honest.length]!);
    for (let links = 0; links < 10; links++) world.link(random.pick(phones), random.pick(phones));
    world.onCall = (phone, peer) => {
      const other = phones.find(({ key }) => key === peer)!;
      if (random.chance(0.3)) world.link(phone, other);
    };
    const files = [
      { bytes: world.bytes(120_000), author: random.pick(honest) },
      { bytes: world.bytes(BLOCKS_7), author: random.pick(honest) },
      { bytes: world.bytes(14 * FILE_BLOCK_BYTES), author: random.pick(honest) },
    ];
    const offers = [];
    for (const { bytes, author } of files) offers.push(await author.offer(bytes));
    for (const phone of phones) for (const { root } of offers) await phone.exchange.fetch(root);
    for (let trouble = 0; trouble < 40; trouble++) {
      await world.time.run(random.between(50, 800));
      const phone = random.pick(honest), others = [...phone.links.keys()];
      if (random.chance(0.3)) await phone.reload();
      else if (others.length > 0) {
        const other = random.pick(others);
        world.unlink(phone, other);
        world.time.after(random.between(500, 4_000), () => world.link(phone, other));
      }
    }
    for (const [at, { root }] of offers.entries()) {
      for (const phone of honest) {
        await world.until(() => phone.has(root), 300_000);
        assertEquals(await phone.bytes(root), files[at]!.bytes);
      }
    }
  });
}
