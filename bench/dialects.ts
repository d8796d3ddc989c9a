/** The protocol of each server. All carry the same signed events: a JSON text with payload and signature. */
import type { Signer } from "../lib/crypto/signing.ts";
import type { RoomId, WireEvent } from "../lib/protocol/event.ts";
import type { HelloProof } from "../lib/protocol/client_frames.ts";
import { PROTOCOL_VERSION } from "../lib/protocol/limits.ts";
import { type LoadSocket, maskedFrame } from "./load_socket.ts";

export const SERVER_NAMES = ["festival-chat", "ws", "socket.io"] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export interface Dialect {
  path(room: RoomId): string;
  /** Performs the handshake; resolves when the client is in the room. */
  join(socket: LoadSocket, room: RoomId, signer: Signer, name: string): Promise<void>;
  /** The frame that broadcasts an event. */
  messageFrame(event: WireEvent): Uint8Array;
  /** Whether a text frame is a broadcast. Other frames go to `other`. */
  isBroadcast(payload: Uint8Array): boolean;
  /** Looks at any other text frame. */
  other(payload: Uint8Array, socket: LoadSocket, watcher: Watcher): void;
}

/** Receives the server's frames that are no broadcasts. */
interface Watcher {
  acked(id: string): void;
  refused(id: string, reason: string): void;
}

const text = new TextDecoder();
/** Index of the character that distinguishes the frame types: `{"type":"e…`. */
const TYPE_AT = '{"type":"'.length;
const E = "e".charCodeAt(0), V = "v".charCodeAt(0);

const festivalChat: Dialect = {
  path: (room) => `/api/rooms/${room}/socket`,
  join(socket, room, signer, name) {
    return new Promise((resolve, reject) => {
      const fail = (why: unknown) => reject(new Error(`no welcome: ${why}`));
      socket.onEnd = fail;
      socket.onText = (payload) => {
        const frame = JSON.parse(text.decode(payload));
        if (frame.type === "welcome") resolve();
        else if (frame.type === "challenge") {
          const proof: HelloProof = { hello: 1, nonce: frame.nonce, room, author: signer.author, name };
          const signed = JSON.stringify(proof);
          signer.sign(signed).then((signature) =>
            socket.write(
              maskedFrame(JSON.stringify({ type: "hello", version: PROTOCOL_VERSION, proof: [signed, signature] })),
            ), fail);
        } else if (frame.type === "goodbye") fail(frame.reason);
      };
      void socket.read();
    });
  },
  messageFrame: (event) => maskedFrame(JSON.stringify({ type: "send", events: [event] })),
  isBroadcast: (payload) => payload[TYPE_AT] === E && payload[TYPE_AT + 1] === V,
  other(payload, _socket, watcher) {
    const frame = JSON.parse(text.decode(payload));
    if (frame.type === "ack") { for (const [id] of frame.acks) watcher.acked(id); }
    else if (frame.type === "refused") watcher.refused(frame.id, frame.reason);
    else if (frame.type === "problem") watcher.refused("", frame.problem);
  },
};

const plainWs: Dialect = {
  path: () => "/",
  join(socket) {
    void socket.read();
    return Promise.resolve();
  },
  messageFrame: (event) => maskedFrame(JSON.stringify(event)),
  isBroadcast: () => true,
  other() {},
};

/** Engine.IO 4 packets (`0` open, `2` ping, `3` pong, `4` message) around Socket.IO 5 ones (`0` connect, `2` event). */
const socketIo: Dialect = {
  path: () => "/socket.io/?EIO=4&transport=websocket",
  join(socket) {
    return new Promise((resolve, reject) => {
      socket.onEnd = (why) => reject(new Error(`no connection to the namespace: ${why}`));
      socket.onText = (payload) => {
        const packet = text.decode(payload);
        if (packet.startsWith("0")) socket.write(maskedFrame("40"));
        else if (packet.startsWith("40")) resolve();
      };
      void socket.read();
    });
  },
  messageFrame: (event) => maskedFrame(`42${JSON.stringify(["message", event])}`),
  isBroadcast: (payload) => payload.length > 1,
  other(_payload, socket) {
    socket.write(maskedFrame("3"));
  },
};

export const DIALECTS: Record<ServerName, Dialect> = {
  "festival-chat": festivalChat,
  ws: plainWs,
  "socket.io": socketIo,
};
