import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { RoomEntry } from "../components/home/RoomListItem.tsx";
import { HomeScreen } from "../components/home/HomeScreen.tsx";
import Notices from "../components/dialogs/Notices.tsx";
import { openPage } from "../components/home/open_page.ts";
import { OfflineScreen } from "../components/home/OfflineScreen.tsx";
import { LazyDialog } from "../components/common/Lazy.tsx";
import { NameDialog } from "../components/common/NameDialog.tsx";
import { homeTexts as t, httpProblemText } from "../lib/ui/texts/home_texts.ts";
import { type KnownRoom, roomPath } from "../lib/chat/recent_rooms.ts";
import { readTypedRoom } from "../lib/chat/typed_room.ts";
import { spokenCode } from "../lib/ui/spoken_code.ts";
import { keepThisPage } from "../lib/offline/page.ts";
import { isCachedPath } from "../lib/offline/strategy.ts";
import type { WireEvent } from "../lib/protocol/event.ts";
import { noticesFor, readNotice } from "../lib/protocol/notice.ts";
import { openHomeInBrowser } from "../lib/session/browser/home_browser.ts";
import type { HomeModel } from "../lib/session/home/home_model.ts";
import type { ListedRoom } from "../lib/session/home/room_requests.ts";

const loadScanner = () => import("../components/qr/ScannerDialog.tsx");

const NONE: readonly KnownRoom[] = [];
const NO_NOTICES: readonly WireEvent[] = [];

interface HomeProps {
  listed: RoomEntry[];
  /** Rooms that the operator recommends. */
  suggested?: RoomEntry[];
  /** The operator's broadcasts when the page was rendered. */
  notices?: readonly WireEvent[];
  instead?: boolean;
}

/**
 * The home page. `listed` are the rooms at the time the server rendered it. `instead`: offline, it stands in for a page
 * that this device does not have.
 */
export default function Home({ listed, suggested = [], notices = NO_NOTICES, instead = false }: HomeProps) {
  const home = useSignal<HomeModel>();
  const dialog = useSignal<"scan" | "name">();
  useEffect(() => {
    const model = openHomeInBrowser(notices);
    home.value = model;
    keepThisPage();
    return () => model.dispose();
  }, []);

  const model = home.value;
  const favourites = model?.favourites.value ?? NONE;
  const recent = model?.recent.value;
  const mine = useMemo(
    () => recent && [...favourites, ...recent.filter((room) => !room.favourite)].map(knownEntry),
    [favourites, recent],
  );
  // As the server rendered them, until this page has verified them.
  const drawn = useMemo(() => noticesFor(undefined, notices.flatMap((wire) => readNotice(wire) ?? []), 0), [notices]);
  const board = <Notices notices={model?.notices.value ?? drawn} onAcknowledge={(id) => model?.acknowledge(id)} />;
  if (instead) {
    return (
      <>
        {board}
        <OfflineScreen mine={mine} answered={model?.listed.value !== undefined} isCachedPath={isCachedPath} />
      </>
    );
  }
  const closeDialog = () => dialog.value = undefined;
  return (
    <>
      {board}
      <HomeScreen
        mine={mine}
        listed={model?.listed.value?.map(listedEntry) ?? listed}
        suggested={suggested}
        name={model?.name.value}
        stored={model?.stored.value ?? true}
        ready={model !== undefined}
        reachable={model?.reachable.value ?? true}
        onJoin={async (typed) => {
          const found = await model?.join(typed) ?? { problem: "offline" };
          if ("path" in found) return found;
          if (found.problem !== "no_such_room") return { ...found, problem: httpProblemText(found) };
          const read = readTypedRoom(typed);
          return {
            ...found,
            problem: read.found === "code" ? t.home.notFound(spokenCode(read.code)) : t.home.codeShape,
          };
        }}
        onStart={async (name, kind, waiting) => {
          const made = await model?.create(name, kind, waiting) ?? { problem: "offline" };
          return "path" in made ? made : { problem: httpProblemText(made) };
        }}
        onScan={() => dialog.value = "scan"}
        onName={() => dialog.value = "name"}
        onFavourite={(room, on) => void model?.setFavourite(room.id, on)}
      />
      {dialog.value === "scan" && (
        <LazyDialog
          load={loadScanner}
          title={t.scanner.title}
          props={{ onFound: openPage, onClose: closeDialog }}
        />
      )}
      {dialog.value === "name" && (
        <NameDialog
          name={model?.name.value ?? ""}
          onClose={closeDialog}
          onSave={async (name) => {
            const { problem } = await model?.setName(name) ?? {};
            if (problem !== undefined) return problem === "empty" ? t.name.empty : t.name.tooLong;
            closeDialog();
          }}
        />
      )}
    </>
  );
}

function knownEntry(room: KnownRoom): RoomEntry {
  const { id, name, code, favourite } = room;
  return { id, name, path: roomPath(room), favourite, ...(code !== undefined && { code }) };
}

function listedEntry({ room: { id, name, code }, people }: ListedRoom): RoomEntry {
  return { id, name, path: `/r/${code ?? id}`, people, ...(code !== undefined && { code }) };
}
