/** Where the server listens: `--port`, `--host` and `--parallel`, or the variables PORT and HOST. */
import { parseArgs } from "node:util";

export interface Listening {
  /** A name or address of this machine. */
  host: string;
  /** Undefined where none was asked for. */
  port: number | undefined;
  /** One worker for each core. */
  parallel: boolean;
}

/** Phones have to reach the server, and behind a proxy HOST=127.0.0.1 hides it: docs/OPERATING.md. */
const EVERY_ADDRESS = "0.0.0.0";

/** Reads arguments, which come before variables. Throws an Error that says which one cannot be used, and why. */
export function readListening(args: readonly string[], env: (name: string) => string | undefined): Listening {
  const { values } = parseArgs({
    args: [...args],
    options: { port: { type: "string" }, host: { type: "string" }, parallel: { type: "boolean" } },
  });
  const [portName, port] = given("--port", values.port, "PORT", env);
  const [hostName, host] = given("--host", values.host, "HOST", env);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new Error(`${portName} has to be a whole number from 1 to 65535, not ${JSON.stringify(port)}`);
  }
  if (host !== undefined && !/^[\w.:-]+$/.test(host)) {
    throw new Error(`${hostName} has to be an address of this machine, not ${JSON.stringify(host)}`);
  }
  return {
    host: host ?? EVERY_ADDRESS,
    port: port === undefined ? undefined : Number(port),
    parallel: values.parallel ?? false,
  };
}

/** The argument, or the variable where there is no argument, with the name of the one that counts. */
function given(
  option: string,
  argument: string | undefined,
  variable: string,
  env: (name: string) => string | undefined,
): [name: string, value: string | undefined] {
  return argument === undefined ? [variable, env(variable)?.trim() || undefined] : [option, argument];
}
