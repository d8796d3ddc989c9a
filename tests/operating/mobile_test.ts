/** HTTPS on the LAN for phones: addresses, certificate, the QR code in the terminal, and a real browser that opens it. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { X509Certificate } from "node:crypto";
import jsqr from "jsqr";
import { lanAddresses } from "../../lib/operating/addresses.ts";
import { CERTIFICATE_DAYS, makeCertificate, ownCertificate } from "../../lib/operating/certificate.ts";
import { invitation } from "../../lib/operating/mobile.ts";
import { terminalQr } from "../../lib/operating/terminal_qr.ts";
import { findChromium, launchChromium } from "../support/chromium.ts";
import { withSecondTry } from "../support/second_try.ts";

const DAY_MS = 86_400_000;

Deno.test("addresses for phones: IPv4 of real networks, private ones first", () => {
  const v4 = (name: string, address: string) => ({ family: "IPv4" as const, name, address });
  assertEquals(
    lanAddresses([
      v4("lo", "127.0.0.1"),
      v4("eth1", "203.0.113.9"),
      v4("docker0", "172.17.0.1"),
      v4("wlan0", "192.168.178.20"),
      { family: "IPv6", name: "wlan0", address: "fe80::1" },
      v4("eth0", "169.254.3.3"),
      v4("eth2", "10.0.0.7"),
    ]),
    ["192.168.178.20", "10.0.0.7", "203.0.113.9"],
  );
});

Deno.test("the certificate names the machine and meets phones' requirements", async () => {
  const now = Date.UTC(2026, 6, 1);
  const { cert, fingerprint } = await makeCertificate(["localhost", "192.168.178.20", "stage.local"], now);
  const parsed = new X509Certificate(cert);
  assertEquals(parsed.subjectAltName, "DNS:localhost, IP Address:192.168.178.20, DNS:stage.local");
  assert(!parsed.ca && parsed.verify(parsed.publicKey));
  const days = (Date.parse(parsed.validTo) - Date.parse(parsed.validFrom)) / DAY_MS;
  assert(days <= CERTIFICATE_DAYS && Date.parse(parsed.validFrom) < now, `${days} days`);
  assertEquals(fingerprint.split(":").length, 32);
});

Deno.test("the certificate is kept, and replaced when it expires, lacks a name or is unreadable; its key is private", async () => {
  const folder = await Deno.makeTempDir({ prefix: "festival-certificate-" });
  try {
    const now = Date.UTC(2026, 6, 1);
    const first = await ownCertificate(folder, ["localhost", "10.0.0.7"], now);
    assertEquals(await ownCertificate(folder, ["10.0.0.7"], now + DAY_MS), first);
    assertEquals((await Deno.stat(`${folder}/key.pem`)).mode! & 0o777, 0o600);
    const moved = await ownCertificate(folder, ["localhost", "10.0.0.8"], now);
    assertNotEquals(moved.fingerprint, first.fingerprint);
    const renewed = await ownCertificate(folder, ["localhost"], now + (CERTIFICATE_DAYS - 3) * DAY_MS);
    assertNotEquals(renewed.fingerprint, moved.fingerprint);
    await Deno.writeTextFile(`${folder}/cert.pem`, "-----BEGIN CERTIFICATE-----\nhalf");
    assertNotEquals((await ownCertificate(folder, ["localhost"], now)).fingerprint, renewed.fingerprint);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the QR code in the terminal is read by a scanner, and is black on white in every terminal", async () => {
  const url = "https://192.168.178.20:8000/";
  const drawn = await terminalQr(url);
  for (const line of drawn.split("\n")) assert(line.startsWith("\x1b[30;107m") && line.endsWith("\x1b[0m"));
  assertEquals(readTerminal(drawn), url);
  assertEquals(readTerminal((await invitation(["192.168.178.20"], 8000, { fingerprint: "" })).split("\n\n")[0]!), url);
  assert((await invitation([], 8000, { fingerprint: "" })).includes("no network that a phone can reach"));
});

/** Reads half blocks as a camera would: each module as 4 × 4 pixels. */
function readTerminal(drawn: string): string | undefined {
  // deno-lint-ignore no-control-regex -- these are a terminal's colours
  const lines = drawn.replace(/\x1b\[[\d;]*m/g, "").split("\n");
  const width = Math.max(...lines.map((line) => line.length)), height = lines.length * 2, zoom = 4;
  const pixels = new Uint8ClampedArray(width * height * zoom * zoom * 4).fill(255);
  const halves: Record<string, [boolean, boolean]> = { "█": [true, true], "▀": [true, false], "▄": [false, true] };
  for (let y = 0; y < height * zoom; y++) {
    for (let x = 0; x < width * zoom; x++) {
      const row = Math.floor(y / zoom), letter = lines[row >> 1]![Math.floor(x / zoom)] ?? " ";
      if (halves[letter]?.[row & 1]) pixels.fill(0, (y * width * zoom + x) * 4, (y * width * zoom + x) * 4 + 3);
    }
  }
  return jsqr.default(pixels, width * zoom, height * zoom)?.data;
}

const chromium = await findChromium();

Deno.test({
  name: "dev:mobile: a page over HTTPS on the LAN is a secure context with service worker and camera",
  ignore: chromium === undefined,
  sanitizeResources: false,
  sanitizeOps: false,
  fn: () => withSecondTry("dev:mobile", () => opensOverTheLan(chromium!)),
});

async function opensOverTheLan(chromium: string): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "festival-mobile-" });
  const root = new URL("../../", import.meta.url).pathname;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "dev.ts", "mobile"],
    cwd: root,
    env: { FESTIVAL_DATA_DIR: dataDir, PORT: String(freePort()) },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const browser = await launchChromium(chromium, {
    args: ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--ignore-certificate-errors"],
  });
  try {
    const url = await shownUrl(server.stdout);
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const response = await page.goto(url);
    assertEquals(response!.status(), 200);
    const found = await page.evaluate(async () => {
      const camera = await navigator.mediaDevices.getUserMedia({ video: true });
      const tracks = camera.getVideoTracks().length;
      for (const track of camera.getTracks()) track.stop();
      const registration = await navigator.serviceWorker.register("/sw.js");
      return { secure: isSecureContext, tracks, scope: new URL(registration.scope).pathname };
    });
    assertEquals(found, { secure: true, tracks: 1, scope: "/" });
  } finally {
    await browser.close();
    server.kill("SIGTERM");
    await server.status;
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** The address under the QR code, as soon as it is shown; reads on so that the server never waits for its terminal. */
async function shownUrl(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  const shown = Promise.withResolvers<string>();
  void (async () => {
    let text = "";
    for await (const chunk of stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const url = /(?:network|Here): (https:\S+)/.exec(text)?.[1];
      if (url !== undefined) shown.resolve(url);
    }
    shown.reject(new Error(`no address was shown: ${text}`));
  })();
  return await shown.promise;
}

function freePort(): number {
  using listener = Deno.listen({ port: 0 });
  return listener.addr.port;
}
