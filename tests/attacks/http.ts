/** HTTP requests from a chosen source address, which `fetch` cannot choose. */
import { connectTo } from "../../bench/load_socket.ts";

export interface Answer {
  status: number;
  /** Names in lower case; of headers that came twice the last one. */
  headers: Record<string, string>;
  body: string;
}

/** Sends one request on a connection of its own. Throws when the connection ends before a whole head has come. */
export async function request(
  { port, from }: { port: number; from: string },
  path: string,
  { method = "GET", headers = {}, body = "" }: { method?: string; headers?: Record<string, string>; body?: string } =
    {},
): Promise<Answer> {
  const conn = await connectTo(port, from);
  try {
    const content = new TextEncoder().encode(body);
    const host = `127.0.0.1:${port}`;
    const head = [
      `${method} ${path} HTTP/1.1`,
      // Pages of the server itself send their origin too.
      ...Object.entries({ Host: host, Origin: `http://${host}`, Connection: "close", ...headers })
        .map(([name, value]) => `${name}: ${value}`),
      ...(method === "GET" ? [] : [`Content-Length: ${content.length}`]),
    ].join("\r\n");
    for (let bytes = new TextEncoder().encode(`${head}\r\n\r\n${body}`); bytes.length > 0;) {
      bytes = bytes.subarray(await conn.write(bytes));
    }
    const parts: Uint8Array[] = [];
    for (const buffer = new Uint8Array(65_536);;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      parts.push(buffer.slice(0, count));
    }
    return readAnswer(new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()));
  } finally {
    conn.close();
  }
}

function readAnswer(bytes: Uint8Array): Answer {
  const latin1 = new TextDecoder("latin1").decode(bytes);
  const end = latin1.indexOf("\r\n\r\n");
  if (end === -1) throw new Error("the connection ended without an answer");
  const [first = "", ...lines] = latin1.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => {
    const [name = "", ...value] = line.split(":");
    return [name.toLowerCase(), value.join(":").trim()];
  }));
  const rest = bytes.subarray(end + 4);
  const body = headers["transfer-encoding"] === "chunked" ? unchunked(rest) : rest;
  return { status: Number(first.split(" ")[1]), headers, body: new TextDecoder().decode(body) };
}

/** Puts the chunks of a body together (RFC 9112 section 7.1). */
function unchunked(bytes: Uint8Array): Uint8Array {
  const latin1 = new TextDecoder("latin1").decode(bytes);
  const whole = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0;;) {
    const line = latin1.indexOf("\r\n", at);
    const size = parseInt(latin1.slice(at, line), 16);
    if (line === -1 || !(size > 0)) return whole.subarray(0, length);
    whole.set(bytes.subarray(line + 2, line + 2 + size), length);
    length += size;
    at = line + 2 + size + 2;
  }
}
