/** Where a machine can be reached from its own network. */

export type NetworkInterface = Pick<Deno.NetworkInterfaceInfo, "family" | "address" | "name">;

/** Container and tunnel interfaces, which no phone reaches. */
const VIRTUAL_NAMES = /^(docker|br-|veth|virbr|tun|tap|wg|utun)/;

/**
 * The addresses that other devices on the network may reach, those of private networks (RFC 1918) first. IPv4 only: phones
 * on a Wi-Fi have one, and people can read it to each other.
 */
export function lanAddresses(interfaces: readonly NetworkInterface[]): string[] {
  const found = interfaces
    .filter(({ family, address, name }) =>
      family === "IPv4" && !/^(127\.|169\.254\.)/.test(address) && !VIRTUAL_NAMES.test(name)
    )
    .map(({ address }) => address);
  const isPrivate = (address: string) => /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
  return [...new Set([...found.filter(isPrivate), ...found.filter((address) => !isPrivate(address))])];
}
