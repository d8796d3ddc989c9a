import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { writeDraft } from "../components/room/drafts.ts";
import { Lazy } from "../components/common/Lazy.tsx";
import { loadProblemScreen } from "../components/lazy_components.ts";
import { type RoomHeading, RoomScreen } from "../components/room/RoomScreen.tsx";
import { roomTexts as t } from "../lib/ui/texts/room_texts.ts";
import { roomPath } from "../lib/chat/recent_rooms.ts";
import { forgetThisPage, keepThisPage } from "../lib/offline/page.ts";
import { OFFLINE_PATH } from "../lib/shared/page_paths.ts";
import type { RoomKind } from "../lib/protocol/event.ts";
import { deviceName, forgetFilesOf, openRoomInBrowser } from "../lib/session/browser/room_browser.ts";
import type { RoomModel } from "../lib/session/model/room_model.ts";

/** Opens the model of this device's rooms, which loads on demand. */
async function openHome() {
  return (await import("../lib/session/browser/home_browser.ts")).openHomeInBrowser();
}

interface RoomProps {
  head: RoomHeading;
  /** The key of a sealed room, if the address does not hold it. */
  secret?: string;
  /** The scanned pairing code of another phone. */
  pairing?: string;
}

/** A room, open as long as the page shows it. */
export default function Room({ head, secret: givenSecret, pairing }: RoomProps) {
  const model = useSignal<RoomModel>();
  const named = useSignal(true);
  const link = useSignal("");
  const keyMissing = useSignal(false);
  const pathOf = (room: { id: string; kind: RoomKind; code?: string }) => {
    const secret = room.kind === "sealed" ? givenSecret ?? location.hash.slice(1) : undefined;
    return roomPath({ ...room, ...(secret !== undefined && { secret }) });
  };

  useEffect(() => {
    const secret = head.kind === "sealed" ? givenSecret ?? location.hash.slice(1) : undefined;
    link.value = location.origin + pathOf(head);
    // The same address with another key is another room, which browsers do not load by themselves.
    const reload = () => secret !== undefined && location.reload();
    addEventListener("hashchange", reload);
    keepThisPage();
    let left = false;
    if (secret === "") keyMissing.value = true;
    else open().catch((error) => reportError(error));
    return () => {
      left = true;
      removeEventListener("hashchange", reload);
      model.peek()?.dispose();
    };

    async function open(): Promise<void> {
      const chosen = await deviceName();
      if (left) return;
      named.value = chosen !== undefined;
      model.value = openRoomInBrowser({
        room: head.id,
        name: chosen ?? t.room.guest(1 + Math.floor(Math.random() * 999)),
        ...(secret !== undefined && { secret }),
      });
    }
  }, []);

  // Fresh's Head would write HTML escapes into the title in the browser: “&amp;” for “&”.
  const room = model.value?.conversation.room.value;
  useEffect(() => {
    if (room === undefined) return;
    document.title = `${room.name} · ${t.app.name}`;
    link.value = location.origin + pathOf(room);
    // From here on the address is the room's own, so that a reload opens it again.
    if (location.pathname === OFFLINE_PATH) history.replaceState(null, "", pathOf(room));
  }, [room]);

  if (keyMissing.value) return <Lazy load={loadProblemScreen} props={{ problem: "secret_missing" as const }} />;
  return (
    <RoomScreen
      head={head}
      model={model.value}
      link={link.value}
      named={named.value}
      {...(pairing !== undefined && { pairing })}
      onName={async (name) => {
        const { problem } = await model.value?.people.rename(name) ?? {};
        if (problem === undefined) named.value = true;
        return problem;
      }}
      onOpenSettings={openHome}
      onLeave={async () => {
        model.value?.dispose();
        writeDraft({ room: head.id, sealed: head.kind === "sealed" }, "");
        const home = await openHome();
        await home.forget(head.id);
        home.dispose();
        await forgetFilesOf(head.id);
        await forgetThisPage();
        location.assign("/");
      }}
    />
  );
}
