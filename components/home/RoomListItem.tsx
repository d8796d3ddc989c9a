import { bandClass } from "../../lib/ui/hue.ts";
import { Icon } from "../common/Icon.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { icons } from "../common/more_icons.ts";

/** A room in a list. */
export interface RoomEntry {
  id: string;
  /** Its page; of a sealed room with the key. */
  path: string;
  name: string;
  code?: string;
  /** People in it now; absent if unknown. */
  people?: number;
  /** Unread messages that this device has. */
  unread?: number;
  favourite?: boolean;
}

/** A room in a list, drawn like a festival wristband. `onFavourite` adds the star. */
export function RoomListItem(props: { room: RoomEntry; onFavourite?: ((on: boolean) => void) | undefined }) {
  const { room, onFavourite } = props;
  return (
    <li class={`band on-band band-torn ${bandClass(room.id)} flex items-stretch pl-2 pr-3`}>
      <a href={room.path} class="flex-1 min-w-0 py-2 pl-2 pr-2 no-underline">
        <span class="flex items-center gap-2">
          <bdi class="truncate font-display font-extrabold text-xl">{room.name}</bdi>
          {room.unread !== undefined && room.unread > 0 && (
            <span class="bg-on-band text-band text-sm font-bold px-2 tabular-nums whitespace-nowrap">
              <span aria-hidden="true">{room.unread > 99 ? "99+" : room.unread}</span>
              <span class="sr-only">{t.home.unread(room.unread)}</span>
            </span>
          )}
        </span>
        <span class="flex items-center gap-3 text-sm font-bold">
          {room.code === undefined
            ? (
              <span class="inline-flex items-center gap-1">
                <Icon name="lock" class="w-4 h-4" />
                {t.kinds.sealed.name}
              </span>
            )
            : <span class="truncate font-display uppercase tracking-wide">{room.code}</span>}
          {room.people !== undefined && <span class="ml-auto whitespace-nowrap">{t.home.people(room.people)}</span>}
        </span>
      </a>
      {onFavourite && (
        <button
          type="button"
          aria-pressed={room.favourite === true}
          aria-label={room.favourite ? t.home.unfavourite(room.name) : t.home.favourite(room.name)}
          onClick={() => onFavourite(!room.favourite)}
          class="inline-flex items-center justify-center min-w-touch min-h-touch"
        >
          <Icon name={icons.star} filled={room.favourite === true} />
        </button>
      )}
    </li>
  );
}
