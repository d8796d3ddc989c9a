/** People in one room whose phones may connect to each other. */
import type { Field } from "./field.ts";

/** Settings for rules that write faster than the limits for people allow. */
const TALKATIVE = { FESTIVAL_MESSAGE_BURST: "1000", FESTIVAL_MESSAGE_EVERY_MS: "0" };
/** Number of pages that load at a time. */
const ENTER_AT_ONCE = 3;
/** People with peers switched on, in one room of a server of their own. */
export async function crowd(field: Field, names: string[], env: Record<string, string> = {}, initScript?: string) {
  const server = await field.ownServer({ ...TALKATIVE, ...env });
  const people = await Promise.all(
    names.map((name) =>
      field.person(name, { origin: server.url, mesh: "auto", viewport: { width: 360, height: 740 } })
    ),
  );
  for (const { device } of people) {
    // The server may stop while somebody connects.
    device.expects(/ERR_CONNECTION_REFUSED|ERR_SOCKET_NOT_CONNECTED/);
    // Many pages share one machine, so each is slower.
    device.context.setDefaultTimeout(3_000 * (names.length + 3));
    if (initScript !== undefined) await device.context.addInitScript(initScript);
  }
  const [first, ...others] = people;
  const path = await first!.startRoom("Phone to phone");
  for (let at = 0; at < others.length; at += ENTER_AT_ONCE) {
    await Promise.all(others.slice(at, at + ENTER_AT_ONCE).map((person) => person.enter(path)));
  }
  for (const person of people) await person.untilPeople(names.length);
  return { server, people, path };
}
