/**
 * docs/deploy/nginx.conf and docs/deploy/Caddyfile in front of the real server, run by the real programs: only names, ports,
 * certificates and paths of logs are others. Debian's packages are installed where this is Debian and we are root.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeCertificate } from "../../lib/operating/certificate.ts";
import { pollingWire } from "../server/both_transports.ts";
import { newGenesis, type OpenWire, TestClient, webSocketWire } from "../support/client.ts";
import { installPackages, isFile } from "../support/debian_packages.ts";
import { freePort, type ServerProcess, startServer } from "../support/server_process.ts";
import { isFastRun, skipped } from "../support/skipping.ts";

const DEPLOY = new URL("../../docs/deploy/", import.meta.url).pathname;
const TOKEN = "operators-only-please";
/** The bound of the files, and what a busy machine may take longer. */
const HEAD_MS = 15_000;
const LATER_MS = 3_000;

/** Deno's own `fetch`, which takes a client; the one of the DOM types does not. */
const fetchBy = fetch as (url: string, init: RequestInit & { client: Deno.HttpClient }) => Promise<Response>;

interface Ports {
  server: string;
  tls: number;
  plain: number;
  folder: string;
}

interface Program {
  path: string;
  package: string;
  /** Writes the configuration into `folder`; the command that runs it. */
  configure(ports: Ports): Promise<{ args: string[]; env?: Record<string, string> }>;
}

/** The text of a file with all these replaced; one that is missing fails, because the test would run another file. */
async function adapted(file: string, changes: [from: string | RegExp, to: string][]): Promise<string> {
  let text = await Deno.readTextFile(DEPLOY + file);
  for (const [from, to] of changes) {
    const next = text.replaceAll(from, to);
    assert(next !== text, `${file} has no ${from}`);
    text = next;
  }
  return text;
}

async function writeNginx({ folder }: Ports, site: string): Promise<{ args: string[] }> {
  await Deno.writeTextFile(`${folder}/site.conf`, site);
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; user root; worker_processes 1; pid ${folder}/pid; error_log ${folder}/main.log emerg;
events { worker_connections 4096; }
http { client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; include ${folder}/site.conf; }\n`,
  );
  return { args: ["-p", folder, "-e", `${folder}/main.log`, "-c", `${folder}/nginx.conf`] };
}

const NGINX: Program = {
  path: "/usr/sbin/nginx",
  package: "nginx-light",
  configure: async (ports) =>
    writeNginx(
      ports,
      await adapted("nginx.conf", [
        [/^ *listen \[::\].*\n/gm, ""],
        ["server 127.0.0.1:8000", `server ${ports.server}`],
        ["listen 443", `listen 127.0.0.1:${ports.tls}`],
        ["listen 80", `listen 127.0.0.1:${ports.plain}`],
        ["/etc/letsencrypt/live/chat.example/fullchain.pem", `${ports.folder}/cert.pem`],
        ["/etc/letsencrypt/live/chat.example/privkey.pem", `${ports.folder}/key.pem`],
        ["/var/log/nginx", ports.folder],
      ]),
    ),
};

const CADDY: Program = {
  path: "/usr/bin/caddy",
  package: "caddy",
  async configure({ server, tls, folder }) {
    const text = await adapted("Caddyfile", [
      ["127.0.0.1:8000\n", `${server}\n`],
      ["\nchat.example {", `\nhttps://localhost:${tls} {\n\ttls ${folder}/cert.pem ${folder}/key.pem`],
      [/^\{\n/gm, "{\n\tadmin off\n\tauto_https disable_redirects\n"],
      ["log default {", `log default {\n\t\toutput file ${folder}/default.log`],
      ["/var/log/caddy", folder],
    ]);
    await Deno.writeTextFile(`${folder}/Caddyfile`, text);
    return {
      args: ["run", "--config", `${folder}/Caddyfile`, "--adapter", "caddyfile"],
      env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    };
  },
};

async function isHere({ path, package: name }: Program): Promise<boolean> {
  if (isFastRun()) return false;
  if (isFile(path) || (await installPackages([name], "for the tests of proxies") && isFile(path))) return true;
  skipped(`the tests of ${name}`, `there is no ${path} (Debian: apt-get install ${name})`);
  return false;
}

interface Proxied {
  server: ServerProcess;
  ports: Ports;
  origin: string;
  client: Deno.HttpClient;
  cert: string;
  /** All that the proxy wrote: its files and its output. */
  written(): Promise<string>;
}

/** Runs the server with this proxy in front. Only 127.0.0.1 is a proxy: other addresses of loopback are visitors. */
async function behind(
  program: Program,
  run: (proxied: Proxied) => Promise<void>,
  configure = program.configure,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "festival-proxy-" });
  const { cert, key } = await makeCertificate(["localhost", "127.0.0.1"], Date.now());
  await Deno.writeTextFile(`${folder}/cert.pem`, cert);
  await Deno.writeTextFile(`${folder}/key.pem`, key);
  const server = await startServer({
    dataDir: `${folder}/data`,
    env: { FESTIVAL_TRUSTED_PROXIES: "127.0.0.1", FESTIVAL_METRICS_TOKEN: TOKEN },
  });
  const ports = { server: new URL(server.url).host, tls: freePort(), plain: freePort(), folder };
  const { args, env = {} } = await configure(ports).catch(async (error) => {
    await server.stop();
    throw error;
  });
  const proxy = new Deno.Command(program.path, { args, env, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  let output = "";
  const reading = Promise.all([proxy.stdout, proxy.stderr].map(async (stream) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
  }));
  const client = Deno.createHttpClient({ caCerts: [cert] });
  const written = async () => {
    let all = output;
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".log")) all += await Deno.readTextFile(`${folder}/${name}`);
    }
    return all;
  };
  try {
    await until(
      () => Deno.connect({ port: ports.tls }).then((conn) => (conn.close(), true), () => false),
      () => output,
    );
    await run({ server, ports, origin: `https://localhost:${ports.tls}`, client, cert, written });
  } finally {
    client.close();
    proxy.kill("SIGTERM");
    await proxy.status;
    await reading;
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

async function until(isTrue: () => Promise<boolean>, why: () => string): Promise<void> {
  for (let tries = 0; !await isTrue(); tries++) {
    assert(tries < 200, why());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A request by curl from this address of loopback; its status. */
async function statusFrom(address: string, url: string, headers: string[] = []): Promise<string> {
  const { stdout } = await new Deno.Command("curl", {
    args: [
      "-sk",
      "--interface",
      address,
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      ...headers.flatMap((h) => ["-H", h]),
      url,
    ],
  }).output();
  return new TextDecoder().decode(stdout);
}

/** How long a half-sent head stays open, ms; `drip`: another byte of it every second. */
async function halfHead(connection: Deno.Conn, { drip = false } = {}): Promise<number> {
  const startedAt = performance.now();
  const send = (text: string) => connection.write(new TextEncoder().encode(text)).catch(() => 0);
  await send("GET / HTTP/1.1\r\nHost: localhost\r\nX-Half: ");
  const dripping = drip ? setInterval(() => void send("x"), 1_000) : undefined;
  try {
    const bytes = new Uint8Array(1_024);
    while (await connection.read(bytes) !== null);
  } catch {
    // Reset: closed as well.
  } finally {
    clearInterval(dripping);
    connection.close();
  }
  return performance.now() - startedAt;
}

for (const program of [NGINX, CADDY]) {
  const name = program.package;
  const ignore = !await isHere(program);

  Deno.test({
    name: `${name}: pages, WebSockets and polling work over TLS, and no log has a room's code, id or name`,
    ignore,
    fn: () =>
      behind(program, async ({ server, ports, origin, client, written }) => {
        const ask = (path: string, init: RequestInit = {}) => fetchBy(origin + path, { ...init, client });
        const home = await ask("/");
        await home.body?.cancel();
        assertEquals([home.status, home.headers.get("strict-transport-security")], [200, "max-age=31536000"]);
        const genesis = await newGenesis({ name: "Behind the proxy" });
        const made = await ask("/api/rooms", {
          method: "POST",
          body: JSON.stringify(genesis.wire),
          headers: { origin },
        });
        const { id, code } = await made.json();
        assertEquals(made.status, 201);
        const path = `/api/rooms/${id}`;
        const wires: OpenWire[] = [
          webSocketWire(`${origin.replace("http", "ws")}${path}/socket`, { origin }, client),
          pollingWire(`${origin}${path}/poll`, (url, init) => fetchBy(url, { ...init, client })),
        ];
        const [ada, bob] = await Promise.all(wires.map((open) => TestClient.join({ room: id, open })));
        await ada!.say("by socket");
        await bob!.say("by poll");
        for (const person of [ada!, bob!]) await person.until(() => person.log.size >= 3);
        await Promise.all([ada!.close(), bob!.close()]);

        const referer = { referer: `${origin}/r/${code}` };
        for (
          const one of [`/r/${code}`, `/r?code=${code}`, `/s/${id}`, `/api/codes/${code}`, path, `/${code}`, `/x/${id}`]
        ) {
          await (await ask(one, { headers: referer, redirect: "manual" })).body?.cancel();
        }
        await server.stop();
        const failed = await ask(`/r/${code}`, { headers: referer });
        await failed.body?.cancel();
        assertEquals(failed.status, 502);
        await (await fetch(`http://127.0.0.1:${name === "caddy" ? ports.tls : ports.plain}/r/${code}`, {
          redirect: "manual",
        }))
          .body?.cancel();
        await until(async () => (await written()).includes("502"), () => "the log has the failed request");
        const log = await written();
        for (const secret of [id, code, "Behind the proxy"]) assert(!log.includes(secret), `${secret} in ${log}`);
        assert(log.split("\n").length > 12 && /\/r\b/.test(log), "requests are logged all the same");
      }),
  });

  Deno.test({
    name:
      `${name}: a visitor's address is the one that the proxy saw, whatever the visitor writes into X-Forwarded-For`,
    ignore,
    fn: () =>
      behind(program, async ({ server, origin }) => {
        const guess = (address: string, url: string, claim: number) =>
          statusFrom(address, `${url}/metrics`, ["Authorization: Bearer wrong", `X-Forwarded-For: 203.0.113.${claim}`]);
        for (const [address, url] of [["127.0.0.9", origin], ["127.0.0.11", server.url]] as const) {
          const statuses: string[] = [];
          for (let claim = 1; claim <= 25; claim++) statuses.push(await guess(address, url, claim));
          assertEquals([statuses[0], statuses.at(-1)], ["401", "429"], `one guesser, ${url}`);
          assertEquals(await guess("127.0.0.10", url, 1), "401", "another visitor");
        }
      }),
  });

  Deno.test({
    name: `${name}: half-sent heads are closed after 15 s, dripping ones too, and connections that say nothing`,
    ignore,
    fn: () =>
      behind(program, async ({ ports, cert }) => {
        const open = () => Deno.connectTls({ hostname: "localhost", port: ports.tls, caCerts: [cert] });
        const waits = await Promise.all([
          ...Array.from({ length: 50 }, async () => await halfHead(await open())),
          halfHead(await open(), { drip: true }),
          halfHead(await Deno.connect({ hostname: "127.0.0.1", port: ports.tls })),
        ]);
        const longest = Math.max(...waits);
        assert(longest < HEAD_MS + LATER_MS, `closed after ${Math.round(longest)} ms`);
      }),
  });
}

Deno.test({
  name: "a plain proxy_pass without Host and Upgrade: the server's log names the missing lines",
  ignore: !await isHere(NGINX),
  fn: () =>
    behind(NGINX, async ({ server, ports, origin, client }) => {
      const post = async (headers: Record<string, string>) => {
        const answer = await fetchBy(`${origin}/api/rooms`, { method: "POST", body: "{}", headers, client });
        await answer.body?.cancel();
        return answer.status;
      };
      const page = { origin: "https://chat.example" };
      assertEquals(await post(page), 403);
      assertEquals(
        await post({ ...page, "sec-fetch-site": "same-origin" }),
        400,
        "a browser that vouches for the page",
      );
      const handshake = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
      const asked = ["Connection: Upgrade", "Upgrade: websocket", ...handshake];
      await statusFrom("127.0.0.1", `https://localhost:${ports.tls}/api/rooms/x/socket`, asked);
      const log = server.log.join("\n");
      assertMatch(log, /proxy_set_header Host \$http_host;/);
      assertMatch(log, /proxy_set_header Upgrade \$http_upgrade;/);
    }, (ports) =>
      writeNginx(
        ports,
        `access_log off; server { listen 127.0.0.1:${ports.tls} ssl; ssl_certificate ${ports.folder}/cert.pem;
ssl_certificate_key ${ports.folder}/key.pem; location / { proxy_pass http://${ports.server}; } }\n`,
      )),
});
