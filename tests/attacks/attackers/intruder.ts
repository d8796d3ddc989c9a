/** The tools of all attackers: a connection from any address with a key of its own, and events of as many keys as it likes. */
import { setTimeout as delay } from "node:timers/promises";
import { LoadSocket, maskedFrame } from "../../../bench/load_socket.ts";
import { ed25519 } from "../../../lib/crypto/ed25519.ts";
import { type Signer, signEvent } from "../../../lib/crypto/signing.ts";
import type { RoomId, WireEvent } from "../../../lib/protocol/event.ts";
import type { ServerFrame } from "../../../lib/protocol/frames.ts";
import { PROTOCOL_VERSION } from "../../../lib/protocol/limits.ts";
import { toBase64Url } from "../../../lib/shared/base64url.ts";

/** The order that this process got as its argument. */
export function readOrder<Order>(): Order {
  return JSON.parse(Deno.args[0]!);
}

/** Prints the counts and ends the process, whatever is still open. */
export function report(counts: Record<string, number>): never {
  console.log(JSON.stringify(counts));
  Deno.exit(0);
}

export async function freshKey(): Promise<Signer> {
  return await (await ed25519()).signer(crypto.getRandomValues(new Uint8Array(32)));
}

export interface Intruder {
  socket: LoadSocket;
  signer: Signer;
  welcome: ServerFrame<"welcome">;
  readonly ended: boolean;
}

const text = new TextDecoder();
const PING = maskedFrame(JSON.stringify({ type: "ping" }));

/** Opens a socket as a device that nobody has seen before. Throws when it is refused. */
export function openSocket({ port, room, from }: { port: number; room: RoomId; from: string }): Promise<LoadSocket> {
  const device = toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
  return LoadSocket.open(port, `/api/rooms/${room}/socket`, { from, headers: { Cookie: `device=${device}` } });
}

/**
 * Enters a room. From then on `onFrame` gets every frame but those of events, and the server's question for a sign of life
 * is answered. Rejects when the connection ends before the welcome.
 */
export async function enter(
  { port, room, from, sealed = false, signer, onFrame = () => {}, onEnd = () => {} }: {
    port: number;
    room: RoomId;
    from: string;
    sealed?: boolean;
    signer?: Signer;
    onFrame?(frame: ServerFrame): void;
    onEnd?(): void;
  },
): Promise<Intruder> {
  const key = signer ?? await freshKey();
  const socket = await openSocket({ port, room, from });
  let ended = false;
  const welcomed = Promise.withResolvers<ServerFrame<"welcome">>();
  socket.onEnd = (why) => {
    welcomed.reject(new Error(why));
    if (!ended) onEnd();
    ended = true;
  };
  socket.onText = (payload) => {
    // `{"type":"events"`: nobody here reads them.
    if (payload[9] === 0x65) return;
    const frame: ServerFrame = JSON.parse(text.decode(payload));
    if (frame.type === "challenge") {
      const name = sealed ? toBase64Url(crypto.getRandomValues(new Uint8Array(40))) : "Bot";
      const proof = JSON.stringify({ hello: 1, nonce: frame.nonce, room, author: key.author, name });
      void key.sign(proof).then((signature) =>
        socket.write(
          maskedFrame(JSON.stringify({ type: "hello", version: PROTOCOL_VERSION, proof: [proof, signature] })),
        )
      );
    } else if (frame.type === "welcome") welcomed.resolve(frame);
    else if ((frame.type as string) === "check") void socket.write(PING);
    else {
      if (frame.type === "goodbye") welcomed.reject(new Error(frame.reason));
      onFrame(frame);
    }
  };
  void socket.read();
  const patience = setTimeout(() => welcomed.reject(new Error("no welcome")), 10_000);
  try {
    const welcome = await welcomed.promise;
    return {
      socket,
      signer: key,
      welcome,
      get ended() {
        return ended;
      },
    };
  } catch (error) {
    socket.close();
    throw error;
  } finally {
    clearTimeout(patience);
  }
}

/** Signs an event with words that nobody said before, so that it is no repetition. */
export async function junk(
  signer: Signer,
  { room, n, clock, sealed = false, chars = 40 }: {
    room: RoomId;
    n: number;
    clock: number;
    sealed?: boolean;
    chars?: number;
  },
): Promise<WireEvent> {
  const words = toBase64Url(crypto.getRandomValues(new Uint8Array(Math.max(30, chars)))).replaceAll("-_-_", "AAAA");
  const content = sealed
    ? { kind: "sealed", body: { sealed: words } } as const
    : { kind: "message", body: { name: "Bot", text: words } } as const;
  return (await signEvent(signer, { room, n, clock, at: Date.now() }, content)).wire;
}

/** Runs `attempt` again and again until the time is over; a failed one is counted and followed by a pause. */
export async function goOn(
  untilMs: number,
  attempt: () => Promise<void>,
  onFailure: (reason: string) => void = () => {},
  pauseMs = 100,
): Promise<void> {
  while (performance.now() < untilMs) {
    try {
      await attempt();
    } catch (error) {
      onFailure(String(error));
      await delay(pauseMs);
    }
  }
}
