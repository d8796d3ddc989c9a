/**
 * A WebSocket client for measurements: RFC 6455 on a plain TCP connection. It reads frame headers and passes views of
 * payloads without copying or decoding them, so that one core can read everything another core sends.
 */

import { connect as connectFrom, type Socket } from "node:net";

const utf8 = new TextEncoder();
const latin1 = new TextDecoder("latin1");
const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A text as one masked frame, ready to be written (section 5.2). */
export function maskedFrame(text: string, opcode: number = OPCODE.text): Uint8Array<ArrayBuffer> {
  const payload = utf8.encode(text);
  const { length } = payload;
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = new Uint8Array(headBytes + 4 + length);
  const view = new DataView(frame.buffer);
  view.setUint8(0, 0x80 | opcode);
  if (headBytes === 2) view.setUint8(1, 0x80 | length);
  else if (headBytes === 4) {
    view.setUint8(1, 0x80 | 126);
    view.setUint16(2, length);
  } else {
    view.setUint8(1, 0x80 | 127);
    view.setBigUint64(2, BigInt(length));
  }
  const mask = frame.subarray(headBytes, headBytes + 4);
  crypto.getRandomValues(mask);
  for (let at = 0; at < length; at++) frame[headBytes + 4 + at] = payload[at]! ^ mask[at & 3]!;
  return frame;
}

/** The bytes of a connection, as Deno has them. */
type ByteStream = Pick<Deno.Conn, "read" | "write" | "close">;

export interface SocketOptions {
  /** Source address, such as 127.0.3.7: on Linux the whole of 127.0.0.0/8 is this machine. Default: 127.0.0.1. */
  from?: string;
  /** Request headers beside those of the handshake, such as Cookie. */
  headers?: Record<string, string>;
}

/** Opens a TCP connection on loopback. */
export async function connectTo(port: number, from?: string): Promise<ByteStream> {
  if (from !== undefined) return await SourceConn.open(port, from);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  return conn;
}

/** A connection from a chosen source address, which Deno.connect cannot choose. */
class SourceConn implements ByteStream {
  readonly #socket: Socket;
  #ended = false;
  #error: Error | undefined;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    socket.on("error", (error) => this.#error = error);
    for (const end of ["end", "close"]) {
      socket.on(end, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static open(port: number, localAddress: string): Promise<SourceConn> {
    return new Promise((resolve, reject) => {
      const socket = connectFrom({ host: "127.0.0.1", port, localAddress, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new SourceConn(socket));
      });
    });
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      const { readableLength } = this.#socket;
      const bytes: Uint8Array | null = readableLength === 0
        ? null
        : this.#socket.read(Math.min(readableLength, buffer.length));
      if (bytes !== null) {
        buffer.set(bytes);
        return bytes.length;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        // Asks for the next `readable`.
        this.#socket.read(0);
      });
    }
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

export class LoadSocket {
  readonly #conn: ByteStream;
  #buffer = new Uint8Array(16_384);
  #filled: number;
  /** Serialises writes: no other bytes may follow a partial write. */
  #writing: Promise<void> = Promise.resolve();
  #closing = false;
  /** Called with each whole text frame. The view is valid during the call only. */
  onText: (payload: Uint8Array) => void = () => {};
  /** Called once, when the server ends the connection or it breaks. */
  onEnd: (why: string) => void = () => {};

  private constructor(conn: ByteStream, early: Uint8Array) {
    this.#conn = conn;
    this.#buffer.set(early);
    this.#filled = early.length;
  }

  /** Opens a connection. Throws when the server does not answer with 101. */
  static async open(port: number, path: string, { from, headers = {} }: SocketOptions = {}): Promise<LoadSocket> {
    const conn = await connectTo(port, from);
    const key = crypto.getRandomValues(new Uint8Array(16)).toBase64();
    const host = `127.0.0.1:${port}`;
    await writeAll(
      conn,
      utf8.encode(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n` +
          Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n",
      ),
    );
    const answer = new Uint8Array(8_192);
    let filled = 0;
    for (;;) {
      const count = await conn.read(answer.subarray(filled));
      if (count === null || count === 0) {
        conn.close();
        throw new Error("the server closed the connection during the handshake");
      }
      filled += count;
      const end = latin1.decode(answer.subarray(0, filled)).indexOf("\r\n\r\n");
      if (end === -1) continue;
      const status = latin1.decode(answer.subarray(0, 12));
      if (status !== "HTTP/1.1 101") {
        conn.close();
        throw new Error(`the server answered the handshake with ${latin1.decode(answer.subarray(0, filled))}`);
      }
      return new LoadSocket(conn, answer.slice(end + 4, filled));
    }
  }

  /** Reads until the connection ends; resolves then. Never throws. */
  async read(): Promise<void> {
    let why = "closed by the server";
    try {
      this.#takeFrames();
      for (;;) {
        if (this.#filled === this.#buffer.length) {
          const larger = new Uint8Array(this.#buffer.length * 4);
          larger.set(this.#buffer);
          this.#buffer = larger;
        }
        const count = await this.#conn.read(this.#buffer.subarray(this.#filled));
        if (count === null) break;
        this.#filled += count;
        this.#takeFrames();
      }
    } catch (error) {
      why = String(error);
    }
    if (!this.#closing) this.onEnd(why);
  }

  /** Writes a whole frame (see `maskedFrame`). Resolves when the system has taken it, or the connection has ended. */
  write(frame: Uint8Array): Promise<void> {
    this.#writing = this.#writing.then(() => writeAll(this.#conn, frame)).catch((error) => {
      if (!this.#closing) this.onEnd(String(error));
    });
    return this.#writing;
  }

  close(): void {
    this.#closing = true;
    this.#conn.close();
  }

  #takeFrames(): void {
    const buffer = this.#buffer;
    const filled = this.#filled;
    let at = 0;
    while (filled - at >= 2) {
      let length = buffer[at + 1]! & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (filled - at < 4) break;
        length = buffer[at + 2]! << 8 | buffer[at + 3]!;
        start = at + 4;
      } else if (length === 127) {
        if (filled - at < 10) break;
        length = Number(new DataView(buffer.buffer).getBigUint64(at + 2));
        start = at + 10;
      }
      if (filled - start < length) break;
      const first = buffer[at]!;
      if (first === (0x80 | OPCODE.text)) this.onText(buffer.subarray(start, start + length));
      else if (first === (0x80 | OPCODE.ping)) this.write(maskedFrame("", OPCODE.pong));
      else if (first === (0x80 | OPCODE.close)) {
        throw new Error(`closed by the server with code ${buffer[start]! << 8 | buffer[start + 1]!}`);
      } else throw new Error(`the server sent a frame that starts with byte ${first}`);
      at = start + length;
    }
    buffer.copyWithin(0, at, filled);
    this.#filled = filled - at;
  }
}

async function writeAll(conn: ByteStream, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
