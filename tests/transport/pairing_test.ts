/** Two phones link by their codes and prove their identities on the connection. */
import { assert, assertEquals } from "@std/assert";
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import type { Signer } from "../../lib/crypto/signing.ts";
import type { PairingCode } from "../../lib/protocol/peer/pairing_code.ts";
import { type PairedPeer, Pairing, PAIRING_GATHER_MS, type PairingState } from "../../lib/transport/pairing.ts";
import { pairingAnswer, pairingOf } from "../../lib/transport/pairing_sdp.ts";
import type { OpenPeerConnection, PeerConnection, PeerConnectionEvents } from "../../lib/transport/peer_connection.ts";
import { VirtualTime } from "../support/virtual_time.ts";

const ROOM = "AAECAwQFBgcICQoLDA0ODw";
const crypto = await ed25519();
const [ada, ben] = await Promise.all([1, 2].map((seed) => crypto.signer(new Uint8Array(32).fill(seed))));

/** Connections that open when each end has the other's ICE credentials. */
class FakePaths {
  readonly ends: End[] = [];
  gathers = true;
  readonly open: OpenPeerConnection = (events) => {
    const end = new End(this, events, this.ends.length + 1);
    this.ends.push(end);
    return end;
  };
}

class End implements PeerConnection {
  readonly offering = true;
  readonly described = false;
  readonly bufferedBytes = 0;
  readonly sent: string[] = [];
  peer: End | undefined;
  closed = false;
  #expects: string | undefined;

  constructor(readonly paths: FakePaths, readonly events: PeerConnectionEvents, readonly number: number) {}

  get ufrag() {
    return `uf${String(this.number).padStart(2, "0")}`;
  }

  offer(): Promise<string> {
    if (this.paths.gathers) queueMicrotask(() => this.events.candidate(undefined));
    return Promise.resolve(this.ownSdp());
  }

  ownSdp(): string {
    const fingerprint = Array.from({ length: 32 }, () => String(this.number).padStart(2, "0")).join(":");
    return [
      "v=0",
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
      `a=ice-ufrag:${this.ufrag}`,
      "a=ice-pwd:0123456789abcdef01234567",
      `a=fingerprint:sha-256 ${fingerprint}`,
      "a=mid:data",
      `a=candidate:1 1 udp 2113937151 10.0.0.${this.number} 5000 typ host generation 0`,
      "a=candidate:2 1 tcp 1518280447 10.0.0.9 9 typ host tcptype active",
      "a=candidate:3 1 udp 1518280447 203.0.113.9 9 typ srflx raddr 10.0.0.1 rport 5000",
      "",
    ].join("\r\n");
  }

  answer(): Promise<string> {
    throw new Error("nobody answers: both offer");
  }

  sendFile(frame: Uint8Array): boolean {
    this.peer?.events.fileReceived(frame);
    return true;
  }

  accept(answer: string): Promise<void> {
    this.#expects = /a=ice-ufrag:(.*)/.exec(answer)![1]!.trim();
    const other = this.paths.ends.find(({ ufrag }) => ufrag === this.#expects);
    if (other !== undefined && other.#expects === this.ufrag) {
      [this.peer, other.peer] = [other, this];
      for (const end of [this, other]) queueMicrotask(() => end.events.opened());
    }
    return Promise.resolve();
  }

  addCandidate(): Promise<void> {
    return Promise.resolve();
  }

  send(text: string): boolean {
    this.sent.push(text);
    queueMicrotask(() => this.peer?.events.received(text));
    return true;
  }

  path(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  close(): void {
    this.closed = true;
  }
}

function phone(paths: FakePaths, signer: Signer, more: { room?: string; secret?: string; time?: VirtualTime } = {}) {
  const states: PairingState[] = [];
  const time = more.time ?? new VirtualTime();
  let changed = () => {};
  const pairing = new Pairing({
    room: more.room ?? ROOM,
    secret: more.secret,
    signer,
    verifier: crypto,
    timers: time.timers,
    random: { bytes: (count) => new Uint8Array(count).fill(signer === ada ? 1 : 2) },
    open: paths.open,
    info: () => undefined,
    clockSeen: () => 7,
    onState(state) {
      states.push(state);
      changed();
    },
  });
  return {
    pairing,
    states,
    async until<Name extends PairingState["state"]>(name: Name): Promise<Extract<PairingState, { state: Name }>> {
      while (states.at(-1)?.state !== name) {
        if (states.at(-1)?.state === "failed") throw new Error(JSON.stringify(states));
        await new Promise<void>((resolve) => changed = resolve);
      }
      return states.at(-1) as Extract<PairingState, { state: Name }>;
    },
  };
}

/** Opens a paired connection and records its events. */
function use({ open }: PairedPeer) {
  const heard: unknown[] = [];
  const nothing = () => {};
  const connection = open({
    candidate: nothing,
    connection: nothing,
    opened: () => heard.push("opened"),
    received: (data) => heard.push(data),
    closed: nothing,
    fileReceived: (data) => heard.push(`file ${data}`),
    filesDrained: nothing,
  });
  return { connection, heard };
}

Deno.test("[PAIR-1] both scan the other's code, in any order, learn the other's identity and get the connection", async () => {
  const paths = new FakePaths();
  const [one, other] = [phone(paths, ada!), phone(paths, ben!)];
  const [ones, others] = [(await one.until("showing")).mine, (await other.until("showing")).mine];
  assertEquals(one.pairing.scan(others), "taken");
  assertEquals(one.states.at(-1)?.state, "linking");
  assertEquals(other.pairing.scan(ones), "taken");
  const [{ peer: bens }, { peer: adas }] = [await one.until("paired"), await other.until("paired")];
  assertEquals([bens.peer, adas.peer], [ben!.author, ada!.author]);
  assertEquals([bens.session, bens.peerSession], [adas.peerSession, adas.session]);
  assertEquals([bens.clock, bens.info], [7, undefined]);
  // Frames that arrive before the handover are not lost.
  const { connection } = use(adas);
  connection.send("mhello");
  connection.sendFile(Uint8Array.of(1, 2));
  await Promise.resolve();
  const { heard } = use(bens);
  await Promise.resolve();
  assertEquals(heard, ["opened", "mhello", "file 1,2"]);
  one.pairing.close();
  assert(!paths.ends[0]!.closed, "a connection that was handed over stays");
});

Deno.test("a code that was scanned before the own one is ready counts", async () => {
  const paths = new FakePaths();
  const one = phone(paths, ada!);
  const { mine } = await one.until("showing");
  const other = phone(paths, ben!);
  other.pairing.scan(mine);
  const { mine: others } = await other.until("linking");
  one.pairing.scan(others);
  await Promise.all([one.until("paired"), other.until("paired")]);
});

Deno.test("[PAIR-4] the own code, and codes of another room or with another key, change nothing", async () => {
  const one = phone(new FakePaths(), ada!);
  const { mine } = await one.until("showing");
  assertEquals(one.pairing.scan(mine), "own");
  assertEquals(one.pairing.scan({ ...mine, room: "EBESExQVFhcYGRobHB0eHw" }), "other_room");
  assertEquals(one.pairing.scan({ ...mine, secret: ROOM }), "other_room");
  assertEquals(one.states.length, 1);
});

Deno.test("a phone that does not finish gathering shows the addresses found so far", async () => {
  const paths = new FakePaths(), time = new VirtualTime();
  paths.gathers = false;
  const one = phone(paths, ada!, { time });
  await time.run(PAIRING_GATHER_MS - 1);
  assertEquals(one.states, []);
  await time.run(1);
  assertEquals((await one.until("showing")).mine.addresses, [{ host: "10.0.0.1", port: 5_000 }]);
});

/** Invalid proofs, derived from the valid one. */
const LIES: Record<
  string,
  (proof: string, codes: { mine: PairingCode; theirs: PairingCode }) => string | Promise<string>
> = {
  "a frame of a link": () => "mhello",
  "no JSON": () => "p[",
  "an altered payload": (proof) => proof.replace('\\"clock\\":7', '\\"clock\\":8'),
  "a proof for another connection": async (_, { mine }) => {
    const payload = JSON.stringify({
      pairing: 1,
      room: ROOM,
      author: ben!.author,
      session: "EBESExQVFhcYGRobHB0eHw",
      mine: mine.fingerprint,
      yours: "u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s",
      clock: 0,
    });
    return `p${JSON.stringify([payload, await ben!.sign(payload)])}`;
  },
};

for (const [name, lie] of Object.entries(LIES)) {
  Deno.test(`[PAIR-5] ${name} is no valid proof and ends the pairing`, async () => {
    const paths = new FakePaths();
    const [one, other] = [phone(paths, ada!), phone(paths, ben!)];
    const [ones, others] = [(await one.until("showing")).mine, (await other.until("showing")).mine];
    const hostile = paths.ends[1]!;
    const send = hostile.send.bind(hostile);
    hostile.send = (text) => {
      Promise.resolve(lie(text, { mine: others, theirs: ones })).then((said) => send(said));
      return true;
    };
    one.pairing.scan(others);
    other.pairing.scan(ones);
    const failed = await one.until("failed").catch(() => one.states.at(-1));
    assert(failed?.state === "failed" && failed.reason === "unproven");
    assert(paths.ends[0]!.closed);
  });
}

Deno.test("a failed connection is reported with both codes, which explain the reason", async () => {
  const paths = new FakePaths();
  const [one, other] = [phone(paths, ada!), phone(paths, ben!)];
  const { mine: others } = await other.until("showing");
  await one.until("showing");
  one.pairing.scan(others);
  paths.ends[0]!.events.connection("failed");
  const state = one.states.at(-1);
  assert(state?.state === "failed" && state.reason === "no_path" && state.theirs === others);
});

Deno.test("the answer made from a code has opposite roles on both sides, the offer's mid, and all addresses", () => {
  const [one, other] = [1, 2].map((number) => new End(new FakePaths(), {} as PeerConnectionEvents, number).ownSdp());
  const [ones, others] = [one!, other!].map((sdp) => ({ room: ROOM, ...pairingOf(sdp)! }));
  const roles = [pairingAnswer(others!, one!), pairingAnswer(ones!, other!)].map((sdp) =>
    /a=setup:(\w+)/.exec(sdp)![1]
  );
  assertEquals(roles.sort(), ["active", "passive"]);
  const answer = pairingAnswer(others!, one!);
  assert(answer.includes("a=mid:data\r\n") && answer.includes("a=group:BUNDLE data\r\n"));
  assert(answer.includes(" 10.0.0.2 5000 typ host\r\n"));
  assertEquals(pairingOf(answer), pairingOf(other!));
});
