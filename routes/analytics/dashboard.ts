import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownMonitor } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** The data of /analytics, as Dashboard describes it. */
  GET: async () => json(await (await ownMonitor()).dashboard()),
});
