import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { writeDraft } from "../components/room/drafts.ts";
import { ProblemScreen } from "../components/room/ProblemScreen.tsx";
import { type RoomHead, RoomScreen } from "../components/room/RoomScreen.tsx";
import { useTexts } from "../components/texts.ts";
import { roomPath } from "../lib/chat/recent_rooms.ts";
import { forgetThisPage, keepThisPage } from "../lib/offline/page.ts";
import { deviceName, forgetFilesOf, openRoomInBrowser } from "../lib/session/browser.ts";
import type { RoomModel } from "../lib/session/room_model.ts";

/** What this device remembers; loaded when it is first asked for. */
async function openHome() {
  return (await import("../lib/session/home_browser.ts")).openHomeInBrowser();
}

/** A room at work. Opens it for as long as the page shows it. */
export default function Room({ head }: { head: RoomHead }) {
  const t = useTexts();
  const model = useSignal<RoomModel>();
  const named = useSignal(true);
  const link = useSignal("");
  const keyMissing = useSignal(false);

  useEffect(() => {
    const secret = head.kind === "sealed" ? location.hash.slice(1) : undefined;
    link.value = location.origin + roomPath({ ...head, ...(secret !== undefined && { secret }) });
    // Another key behind the same address is another page, which browsers do not load by themselves.
    const reload = () => secret !== undefined && location.reload();
    addEventListener("hashchange", reload);
    keepThisPage();
    let left = false;
    if (secret === "") keyMissing.value = true;
    else void open();
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
        name: chosen ?? t.name.guest(1 + Math.floor(Math.random() * 999)),
        ...(secret !== undefined && { secret }),
      });
    }
  }, []);

  // Not by Fresh's Head: in the browser that writes a title with HTML's escapes, “&amp;” for “&”.
  const roomName = model.value?.room.value?.name;
  useEffect(() => {
    if (roomName !== undefined) document.title = `${roomName} · ${t.app.name}`;
  }, [roomName]);

  if (keyMissing.value) return <ProblemScreen problem="secret_missing" />;
  return (
    <RoomScreen
      head={head}
      model={model.value}
      link={link.value}
      named={named.value}
      onName={async (name) => {
        const { problem } = await model.value?.rename(name) ?? {};
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
