import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownMonitor } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** What /analytics shows; Dashboard says what is in it. */
  GET: async () => json(await (await ownMonitor()).dashboard()),
});
