import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** Readiness: whether new visitors should be sent here. */
  async GET() {
    const ready = await ownServer().then((server) => server.ready(), () => false);
    return json({ ready }, ready ? 200 : 503);
  },
});
