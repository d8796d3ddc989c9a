/** `deno task dev:mobile`: the development server over HTTPS on the LAN, with a QR code that a phone opens. */
import { lanAddresses } from "./addresses.ts";
import { type Certificate, ownCertificate } from "./certificate.ts";
import { terminalQr } from "./terminal_qr.ts";

/** Where the certificate is kept; git ignores it. */
export const CERTIFICATE_FOLDER = ".certificate";

/** How the development server listens. Without a port a free one is chosen. */
export async function mobileListening(port: number | undefined, folder = CERTIFICATE_FOLDER) {
  const addresses = lanAddresses(Deno.networkInterfaces());
  const names = ["localhost", "127.0.0.1", ...addresses, ...localNames(Deno.hostname())];
  const certificate = await ownCertificate(folder, names, Date.now());
  return {
    hostname: "0.0.0.0",
    ...(port !== undefined && { port }),
    cert: certificate.cert,
    key: certificate.key,
    onListen: async ({ port }: { port: number }) => {
      // deno-lint-ignore no-console -- shows the developer how to open it on a phone
      console.log(await invitation(addresses, port, certificate));
    },
  };
}

/** The text in the terminal. */
export async function invitation(
  addresses: readonly string[],
  port: number,
  { fingerprint }: Pick<Certificate, "fingerprint">,
): Promise<string> {
  const [first, ...others] = addresses.map((address) => `https://${address}:${port}/`);
  if (first === undefined) {
    return `This machine is on no network that a phone can reach. On this machine: https://localhost:${port}/`;
  }
  return [
    await terminalQr(first),
    "",
    `On a phone on the same network: ${first}`,
    ...others.map((url) => `                             or: ${url}`),
    "The browser warns of the self-signed certificate; continue to the page.",
    `The certificate's SHA-256: ${fingerprint}`,
  ].join("\n");
}

/** Names under which multicast DNS finds the machine. */
function localNames(hostname: string): string[] {
  const [name] = hostname.split(".");
  return name && name !== "localhost" ? [`${name.toLowerCase()}.local`] : [];
}
