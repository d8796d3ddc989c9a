import { define } from "@/lib/server/http/route_helpers.ts";
import { json } from "@/lib/server/http/responses.ts";
import { ownServer } from "@/lib/server/instance.ts";

export const handler = define.handlers({
  /** Readiness: whether new visitors should be sent here, and why not. */
  async GET() {
    const answer = await (await ownServer()).ready();
    return json(answer, answer.ready ? 200 : 503);
  },
});
