import type { ComponentChildren } from "preact";
import type { RoomKind } from "../../lib/protocol/event.ts";
import type { Waiting } from "../../lib/session/home/home_model.ts";
import { Button } from "../common/Button.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";
import { ThemeSwitch } from "../common/ThemeSwitch.tsx";
import { Wordmark } from "../common/Wordmark.tsx";
import { type JoinAnswer, JoinForm } from "./JoinForm.tsx";
import { type RoomEntry, RoomListItem } from "./RoomListItem.tsx";
import { StartForm } from "./StartForm.tsx";
import { icons } from "../common/more_icons.ts";

export interface HomeScreenProps {
  /** This device's rooms, newest first; undefined until they are loaded. */
  mine: readonly RoomEntry[] | undefined;
  listed: readonly RoomEntry[];
  suggested: readonly RoomEntry[];
  /** My display name; undefined until it is loaded, empty if there is none. */
  name: string | undefined;
  /** False: this browser stores nothing. */
  stored: boolean;
  ready: boolean;
  /** False: the server does not answer, and the lists may be old. */
  reachable: boolean;
  onJoin: (typed: string) => Promise<JoinAnswer>;
  onStart: (name: string, kind: RoomKind, waiting: Waiting) => Promise<{ path: string } | { problem: string }>;
  onScan: () => void;
  onName: () => void;
  onFavourite: (room: RoomEntry, on: boolean) => void;
}

/** The home page: join a room, start one, and lists of rooms. */
export function HomeScreen(props: HomeScreenProps) {
  const { mine } = props;
  const favourites = mine?.filter((room) => room.favourite) ?? [];
  const recent = mine?.filter((room) => !room.favourite);
  return (
    <div class="max-w-5xl mx-auto pb-10">
      <header class="home-sign band grid gap-4 pb-5 md:grid-cols-2 md:gap-12 md:items-end">
        <h1 class="max-w-md">
          <Wordmark name={t.app.name} />
        </h1>
        <p class="text-lg font-bold max-w-md md:text-xl">{t.site.pitch}</p>
      </header>
      {!props.reachable && (
        <p role="status" class="bg-alarm-ground border-b-2 border-alarm px-4 py-3 font-bold">{t.home.offline}</p>
      )}
      <main id="content" class="grid gap-8 px-4 pt-6 md:grid-cols-2 md:gap-12">
        <div class="flex flex-col gap-8 min-w-0">
          <Part title={t.home.join}>
            <JoinForm onJoin={props.onJoin} onScan={props.onScan} />
          </Part>
          <Part title={t.home.start}>
            <StartForm onStart={props.onStart} ready={props.ready} />
          </Part>
        </div>
        <div class="flex flex-col gap-8 min-w-0">
          {props.suggested.length > 0 && (
            <Part title={t.home.suggested}>
              <RoomList rooms={props.suggested} />
            </Part>
          )}
          {favourites.length > 0 && (
            <Part title={t.home.favourites}>
              <RoomList rooms={favourites} onFavourite={props.onFavourite} />
            </Part>
          )}
          {recent !== undefined && (recent.length > 0 || favourites.length === 0) && (
            <Part title={t.home.recent}>
              {recent.length === 0
                ? <p class="text-dim">{t.home.recentEmpty}</p>
                : <RoomList rooms={recent} onFavourite={props.onFavourite} />}
            </Part>
          )}
          <Part title={t.home.listed}>
            {!props.reachable
              ? <p class="text-dim">{t.home.listedFailed}</p>
              : props.listed.length === 0
              ? <p class="text-dim">{t.home.listedEmpty}</p>
              : <RoomList rooms={props.listed} />}
          </Part>
          <Part title={t.home.you}>
            <div class="flex flex-col gap-4">
              <div class="flex flex-wrap items-center justify-between gap-2 min-h-touch">
                <bdi class={`min-w-0 max-w-full break-words ${props.name ? "font-bold text-lg" : "text-dim"}`}>
                  {props.name || t.settings.noName}
                </bdi>
                <Button icon={icons.edit} onClick={props.onName} disabled={props.name === undefined}>
                  {t.name.change}
                </Button>
              </div>
              {!props.stored && <p role="status" class="text-warn font-bold">{t.room.notStored}</p>}
              <ThemeSwitch />
            </div>
          </Part>
        </div>
      </main>
    </div>
  );
}

function Part(props: { title: string; children: ComponentChildren }) {
  return (
    <section class="min-w-0">
      <h2 class="font-display font-extrabold text-2xl uppercase mb-3">{props.title}</h2>
      {props.children}
    </section>
  );
}

function RoomList(props: { rooms: readonly RoomEntry[]; onFavourite?: (room: RoomEntry, on: boolean) => void }) {
  const { rooms, onFavourite } = props;
  return (
    <ul class="flex flex-col gap-2">
      {rooms.map((room) => (
        <RoomListItem
          key={room.id}
          room={room}
          onFavourite={onFavourite && ((on) => onFavourite(room, on))}
        />
      ))}
    </ul>
  );
}
