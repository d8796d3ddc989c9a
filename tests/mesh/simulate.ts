/**
 * A crowd, its weather and its troubles; in the end, what came of every event. A seed decides everything.
 *
 * "Loss" is taken as harshly as the word: every frame on every link gets lost with this probability, of every kind, and
 * nothing below the mesh repairs it. (On a reliable data channel frames are lost only when a link breaks.)
 */
import type { EventId } from "../../lib/protocol/event.ts";
import { Crowd, type CrowdPhone, QUIET, type Weather } from "./crowd.ts";
import { fakeVerify } from "./fake_keys.ts";
import { Hostile, HOSTILE_KINDS } from "./hostile.ts";

export interface Plot {
  name: string;
  phones: number;
  /** Share of phones with few links. */
  weak: number;
  loss: number;
  /** Share of phones that go within a minute; they come back after 5 to 30 s. */
  churnPerMinute: number;
  /** Share of phones that are hostile. */
  hostile: number;
  /** How often the crowd falls into two parts, each time for 10 s, during the writing. */
  partitions: number;
  /** Events written, one after the other at random times within `writingMs`. */
  events: number;
  writingMs: number;
  /** Quiet weather without trouble at the end, until everybody should have everything. */
  healingMs: number;
  weather?: Partial<Weather>;
}

export interface Outcome {
  seed: number;
  /** Share of (event, honest phone connected at the end) that got it. */
  delivered: number;
  /** Of honest phones connected with the author from the writing on, and there since: ms until they had it. */
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  /** Share of those that had it within 10 s. */
  inTime: number;
  /** Event payloads that honest phones sent (lost ones too), per event and phone that took it. */
  copies: number;
  /** Frames of any kind that honest phones sent, per event and phone that took it. */
  framesPerDelivery: number;
  /** Events told twice to a phone. */
  twice: number;
  /** Events told that nobody wrote. */
  forgedAccepted: number;
  /** Links between honest phones cut for misconduct. */
  honestBans: number;
  /** Highest count of an own event's receipts minus phones that have it: above 0 would be a lie believed. */
  receiptsTooMany: number;
  /** Median count of receipts per event. */
  receipts: number;
  connected: number;
  phones: number;
  steps: number;
  links: number;
}

/** What of a plot is in a table. */
export function simulate(plot: Plot, seed: number): Outcome {
  const crowd = new Crowd(seed, { ...QUIET, ...plot.weather });
  const { time, random } = crowd;
  const hostiles: Hostile[] = [];
  for (let count = 0; count < plot.phones; count++) {
    time.after(count * 10, () => {
      const phone = crowd.join(random.chance(plot.weak));
      if (count < Math.round(plot.phones * plot.hostile)) {
        hostiles.push(new Hostile(crowd, phone, HOSTILE_KINDS[count % HOSTILE_KINDS.length]!, seed));
      }
    });
  }
  time.run(plot.phones * 10 + 15_000);
  crowd.weather = { ...crowd.weather, loss: plot.loss };
  time.run(5_000);

  const written = new Map<EventId, { at: number; author: CrowdPhone; part: Set<CrowdPhone> }>();
  const lateBy: number[] = [];
  const before = totals(crowd);
  let troubled = true, taken = 0, forgedAccepted = 0;
  const bornAt = new Map<CrowdPhone, number>();
  crowd.onTold = (phone, event) => {
    if (phone.hostile) return;
    taken++;
    const origin = written.get(event.id);
    const isSigned = fakeVerify(event.author, event.wire[0], event.wire[1]);
    if (!isSigned || (origin === undefined && crowd.phones.get(event.author)?.hostile !== true)) forgedAccepted++;
    if (origin === undefined) return;
    if (origin.part.has(phone) && (bornAt.get(phone) ?? 0) < origin.at) lateBy.push(time.now - origin.at);
  };

  for (const hostile of hostiles) hostile.start();

  const churn = () => {
    if (!troubled) return;
    const there = crowd.list.filter((phone) => phone.alive && !phone.hostile);
    const phone = random.pick(there);
    phone.leave(random.chance(0.5));
    time.after(random.between(5_000, 30_000), () => {
      bornAt.set(phone, time.now);
      phone.comeBack();
    });
    time.after(60_000 / (plot.churnPerMinute * plot.phones), churn);
  };
  if (plot.churnPerMinute > 0) churn();

  for (let count = 0; count < plot.partitions; count++) {
    time.after((count + 0.25) * plot.writingMs / plot.partitions, () => {
      const side = new Map(crowd.list.map((phone) => [phone, random.chance(0.4)]));
      crowd.canReach = (a, b) => side.get(a) === side.get(b);
      crowd.breakUnreachable();
      // Whoever is cut off from the author within a second of its writing was not connected long enough to be in time.
      for (const { at, author, part } of written.values()) {
        if (time.now - at > 1_000) continue;
        for (const phone of part) if (!crowd.canReach(author, phone)) part.delete(phone);
      }
      time.after(10_000, () => crowd.canReach = () => true);
    });
  }

  for (let count = 0; count < plot.events; count++) {
    time.after(random.between(0, plot.writingMs), () => {
      const author = random.pick(crowd.list.filter((phone) => phone.alive && !phone.hostile));
      // Before it goes: who is told at once is told of by then.
      const part = crowd.connectedWith(author);
      const origin = { at: time.now, author, part };
      part.delete(author);
      author.write(`word ${count}`, (id) => written.set(id, origin));
    });
  }
  time.run(plot.writingMs + 2_000);
  troubled = false;
  const alive = () => crowd.list.filter((phone) => phone.alive);
  const after = totals(crowd), takenWriting = taken;
  time.run(plot.healingMs);

  return outcomeOf();

  function outcomeOf(): Outcome {
    const one = alive().filter((phone) => !phone.hostile);
    let part = new Set<CrowdPhone>();
    for (const phone of one.slice(0, 20)) {
      const its = crowd.connectedWith(phone);
      if (its.size > part.size) part = its;
    }
    let missing = 0, receiptsTooMany = 0;
    const receipts: number[] = [];
    for (const [id, { author }] of written) {
      // What only a phone that is gone has seen, nobody can have.
      const holders = crowd.list.filter((phone) => phone.told.has(id)).length;
      if (holders === 1 && !part.has(author)) continue;
      for (const phone of part) if (!phone.told.has(id)) missing++;
      const counted = author.receipts.get(id) ?? 0;
      receipts.push(counted);
      receiptsTooMany = Math.max(receiptsTooMany, counted - holders + 1);
    }
    // Who was there and never got it was late without end.
    let eligible = 0;
    for (const [id, { at, part: its }] of written) {
      for (const phone of its) {
        if ((bornAt.get(phone) ?? 0) >= at || !phone.alive) continue;
        eligible++;
        if (!phone.told.has(id)) lateBy.push(Infinity);
      }
    }
    lateBy.sort((a, b) => a - b);
    receipts.sort((a, b) => a - b);
    const percentile = (share: number) =>
      Math.round(lateBy[Math.min(lateBy.length - 1, Math.floor(lateBy.length * share))]!);
    return {
      seed,
      delivered: 1 - missing / (part.size * written.size),
      p50Ms: percentile(0.5),
      p95Ms: percentile(0.95),
      p99Ms: percentile(0.99),
      inTime: lateBy.filter((ms) => ms <= 10_000).length / Math.max(lateBy.length, eligible),
      copies: (after.payloads - before.payloads) / takenWriting,
      framesPerDelivery: (after.frames - before.frames) / takenWriting,
      twice: crowd.list.reduce((sum, phone) => sum + phone.twice, 0),
      forgedAccepted,
      honestBans: crowd.honestBans,
      receiptsTooMany,
      receipts: receipts[receipts.length >> 1] ?? 0,
      connected: part.size / one.length,
      phones: plot.phones,
      steps: time.steps,
      links: alive().reduce((sum, phone) => sum + phone.node.stats().links, 0) / alive().length,
    };
  }
}

function totals(crowd: Crowd): { payloads: number; frames: number } {
  let payloads = 0, frames = 0;
  for (const phone of crowd.list) {
    if (phone.hostile) continue;
    const totals = phone.totals();
    payloads += totals.pushes + totals.pageEvents;
    frames += totals.frames;
  }
  return { payloads, frames };
}
