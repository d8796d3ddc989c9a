import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isKeptHere } from "../../lib/offline/page.ts";
import { isKeptPath, OFFLINE_PATH } from "../../lib/offline/strategy.ts";
import { Button } from "../Button.tsx";
import { Sign } from "../Sign.tsx";
import { useHomeTexts } from "../home_texts.ts";
import { RoomBand, type RoomEntry } from "./RoomBand.tsx";

/**
 * Stands in for a page that this device does not have, and says which rooms it has. `mine`: undefined until read;
 * `answered`: the server is there again, so the page itself is tried.
 */
export function OfflineScreen({ mine, answered }: { mine: readonly RoomEntry[] | undefined; answered: boolean }) {
  const t = useHomeTexts();
  const kept = useSignal<readonly RoomEntry[]>();
  const isRoom = useSignal(true);
  useEffect(() => {
    isRoom.value = location.pathname !== "/" && isKeptPath(location.pathname);
    if (mine !== undefined) void keptOf(mine).then((rooms) => kept.value = rooms);
  }, [mine]);
  useEffect(() => {
    if (answered && location.pathname !== OFFLINE_PATH) location.reload();
  }, [answered]);
  return (
    <Sign title={t.offline.title}>
      <p role="alert" class="text-lg">{isRoom.value ? t.offline.room : t.offline.page}</p>
      <div>
        <Button look="flare" onClick={() => location.reload()}>{t.app.tryAgain}</Button>
      </div>
      {kept.value?.length === 0 && <p class="text-dim">{t.offline.noneKept}</p>}
      {kept.value !== undefined && kept.value.length > 0 && (
        <section>
          <h2 class="font-display font-extrabold text-2xl uppercase mb-3">{t.offline.kept}</h2>
          <ul class="flex flex-col gap-2">
            {kept.value.map((room) => <RoomBand key={room.id} room={room} />)}
          </ul>
        </section>
      )}
    </Sign>
  );
}

/** The rooms whose pages open without a network. */
async function keptOf(rooms: readonly RoomEntry[]): Promise<readonly RoomEntry[]> {
  const kept = await Promise.all(rooms.map(({ path }) => isKeptHere(path)));
  return rooms.filter((_, i) => kept[i]);
}
