import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { OFFLINE_PATH } from "../../lib/shared/page_paths.ts";
import { openPage } from "./open_page.ts";
import { Button } from "../common/Button.tsx";
import { LazyDialog } from "../common/Lazy.tsx";
import { StatusPage } from "../common/StatusPage.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { type RoomEntry, RoomListItem } from "./RoomListItem.tsx";
import { icons } from "../common/more_icons.ts";

const loadScanner = () => import("../qr/ScannerDialog.tsx");

/**
 * Stands in for a page that this device does not have, and lists the rooms that it has. `mine`: undefined until read;
 * `answered`: the server is back, so the page itself is loaded again; `isCachedPath`: paths of pages that devices keep.
 */
export function OfflineScreen({ mine, answered, isCachedPath }: {
  mine: readonly RoomEntry[] | undefined;
  answered: boolean;
  isCachedPath: (path: string) => boolean;
}) {
  const scanning = useSignal(false);
  const isRoom = useSignal(true);
  useEffect(() => {
    isRoom.value = location.pathname !== "/" && isCachedPath(location.pathname);
  }, []);
  useEffect(() => {
    if (answered && location.pathname !== OFFLINE_PATH) location.reload();
  }, [answered]);
  return (
    <StatusPage title={t.offline.title}>
      <p role="alert" class="text-lg">{isRoom.value ? t.offline.room : t.offline.page}</p>
      <div>
        <Button look="flare" onClick={() => location.reload()}>{t.app.tryAgain}</Button>
      </div>
      {isRoom.value && (
        <div class="flex flex-col items-start gap-2">
          <p>{t.offline.phones}</p>
          <Button icon={icons.scan} onClick={() => scanning.value = true}>{t.offline.scan}</Button>
        </div>
      )}
      {mine?.length === 0 && <p class="text-dim">{t.offline.noneKept}</p>}
      {mine !== undefined && mine.length > 0 && (
        <section>
          <h2 class="font-display font-extrabold text-2xl uppercase mb-3">{t.offline.kept}</h2>
          <ul class="flex flex-col gap-2">
            {mine.map((room) => <RoomListItem key={room.id} room={room} />)}
          </ul>
        </section>
      )}
      {scanning.value && (
        <LazyDialog
          load={loadScanner}
          title={t.scanner.title}
          props={{ onFound: openPage, onClose: () => scanning.value = false }}
        />
      )}
    </StatusPage>
  );
}
