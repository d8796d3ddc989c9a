/** The page code of peer_link_browser_test.ts: a person in a room who links with others. */
import { ed25519 } from "../../lib/crypto/ed25519.ts";
import type { HelloProof } from "../../lib/protocol/client_frames.ts";
import { PROTOCOL_VERSION } from "../../lib/protocol/limits.ts";
import { ServerConnection } from "../../lib/session/connection/server_connection.ts";
import { random, timers } from "../../lib/session/browser/environment.ts";
import { browserPeerConnections, type LinkPath } from "../../lib/transport/peer_connection.ts";
import type { PeerLink } from "../../lib/transport/peer_link.ts";
import { PeerLinks } from "../../lib/transport/peer_links.ts";
import { socketTransport, socketUrl } from "../../lib/transport/socket_transport.ts";

/** Functions that the test calls by `evaluate`. */
export interface LinkPage {
  /** Joins the room and returns the author's key. The same seed is the same person. */
  join(room: string, seed: number, ice?: Pick<RTCConfiguration, "iceServers">): Promise<string>;
  /** Links with a peer and returns the time until connected, ms. */
  connect(peer: string): Promise<number>;
  /** Dials without waiting. */
  begin(peer: string): void;
  /** Waits until the history of this peer's links ends like this, e.g. `["connected"]`. */
  until(peer: string, ...tail: string[]): Promise<string[]>;
  /** All states of this peer's links, e.g. `connecting`, `connected`, `closed peer leaving`. */
  history(peer: string): string[];
  send(peer: string, text: string): boolean;
  /** Sends many texts of this length as fast as the link accepts them; returns how often it was full. */
  sendMany(peer: string, count: number, length: number): Promise<number>;
  /** Waits until this many texts arrived. */
  received(count: number): Promise<string[]>;
  /** Waits until this many texts arrived and returns their total length. */
  receivedLength(count: number): Promise<number>;
  path(peer: string): Promise<LinkPath | undefined>;
  rtt(peer: string): Promise<number | undefined>;
  networkChanged(): void;
  close(peer: string): void;
  /** Ends the connection to the server; the links stay. */
  leaveServer(): void;
  admits: boolean;
}

const told = new Map<string, string[]>();
const texts: string[] = [];
const waiting = new Set<() => void>();
let links: PeerLinks;
let connection: ServerConnection;

function changed(): void {
  for (const look of [...waiting]) look();
}

function until<Value>(read: () => Value | undefined): Promise<Value> {
  return new Promise((resolve) => {
    const look = () => {
      const value = read();
      if (value === undefined) return;
      waiting.delete(look);
      resolve(value);
    };
    waiting.add(look);
    look();
  });
}

function tell(link: PeerLink): void {
  const { state } = link;
  const text = state.state === "closed" ? `closed ${state.end.by} ${state.end.reason}` : state.state;
  told.set(link.peer, [...told.get(link.peer) ?? [], text]);
  changed();
}

const historyOf = (peer: string) => told.get(peer) ?? [];

const page: LinkPage = {
  admits: true,
  async join(room, seed, ice = {}) {
    const crypto = await ed25519();
    const signer = await crypto.signer(new Uint8Array(32).fill(seed));
    const clock = { now: () => performance.now() };
    links = new PeerLinks({
      room,
      signer,
      verifier: crypto,
      clock,
      timers,
      random,
      open: browserPeerConnections(
        (configuration) => new RTCPeerConnection(configuration),
        () => ({ iceServers: [], ...ice }),
      ),
      sendFrame: (frame) => connection.send(frame),
      admits: () => page.admits,
      linkCount: () => 0,
      onState: tell,
      onMessage: (_, text) => {
        texts.push(text);
        changed();
      },
      onFileFrame: () => {},
      onFilesDrained: () => {},
      log: (line) => console.info(line),
    });
    await new Promise<void>((resolve) => {
      connection = new ServerConnection({
        clock: { now: () => Date.now() },
        steady: clock,
        timers,
        random,
        openTransport: (events) => socketTransport(new WebSocket(socketUrl(location.href, room)), events),
        room: () =>
          Promise.resolve({
            async hello(nonce) {
              const proof: HelloProof = { hello: 1, nonce, room, author: signer.author, name: `Person ${seed}` };
              const payload = JSON.stringify(proof);
              return { type: "hello", version: PROTOCOL_VERSION, proof: [payload, await signer.sign(payload)] };
            },
            welcomed() {
              resolve();
              return true;
            },
            received(frame) {
              if (frame.type === "signal") links.receive(frame);
              if (frame.type === "signal_undeliverable") links.undeliverable(frame);
              return true;
            },
            ponged() {},
            disconnected() {},
          }),
        onState: () => {},
        log: (line) => console.info(line),
      });
      connection.restart();
    });
    addEventListener("pagehide", () => links.close("leaving"));
    return signer.author;
  },
  async connect(peer) {
    const startedAt = performance.now();
    const before = historyOf(peer).length;
    links.connect(peer);
    const last = await until(() => {
      const now = historyOf(peer).slice(before);
      return now.find((word) => word === "connected" || word.startsWith("closed"));
    });
    if (last !== "connected") throw new Error(`no link: ${last}`);
    return performance.now() - startedAt;
  },
  begin: (peer) => void links.connect(peer),
  until: (peer, ...tail) =>
    until(() => historyOf(peer).slice(-tail.length).join() === tail.join() ? historyOf(peer) : undefined),
  history: historyOf,
  send: (peer, text) => links.get(peer)!.send(text),
  async sendMany(peer, count, length) {
    let full = 0;
    for (let sent = 0; sent < count;) {
      if (links.get(peer)!.send("x".repeat(length))) sent++;
      else {
        full++;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    return full;
  },
  received: (count) => until(() => texts.length >= count ? texts : undefined),
  receivedLength: (count) => until(() => texts.length >= count ? texts.join("").length : undefined),
  path: (peer) => links.get(peer)!.path(),
  async rtt(peer) {
    const link = links.get(peer)!;
    while (link.rttMs === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return link.rttMs;
  },
  networkChanged: () => links.networkChanged(),
  close: (peer) => links.get(peer)!.close("leaving"),
  leaveServer: () => connection.end(),
};

Object.assign(globalThis, { linkPage: page });
