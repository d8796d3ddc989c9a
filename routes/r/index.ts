import { readTypedRoom } from "@/lib/chat/typed_room.ts";
import { define } from "@/lib/server/http/route_helpers.ts";

export const handler = define.handlers({
  /** The join form submits here until the page's own code has loaded: `/r?code=…`. */
  GET(ctx) {
    const typed = ctx.url.searchParams.get("code")?.trim() ?? "";
    if (typed === "") return ctx.redirect("/", 303);
    const read = readTypedRoom(typed);
    // Any other text may hold a sealed room's key, so it must not appear in another address.
    const looked = read.found === "code" ? read.code : read.found === "words" ? read.words : "-";
    return ctx.redirect(`/r/${encodeURIComponent(looked)}`, 303);
  },
});
