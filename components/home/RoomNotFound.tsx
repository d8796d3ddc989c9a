import type { ComponentChildren } from "preact";
import { CodeLinks } from "./CodeLinks.tsx";
import { normalizeRoomCode } from "../../lib/chat/room_code.ts";
import { codeLines, spokenCode } from "../../lib/ui/spoken_code.ts";
import { Lettering } from "../common/Lettering.tsx";
import { StatusPage } from "../common/StatusPage.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";

export interface RoomNotFoundProps {
  /** The code in the link, as typed. */
  typed: string;
  /** Codes of rooms that exist, nearest first. */
  suggestions: readonly string[];
  /** Set if this device tried too many wrong codes. */
  waitSeconds?: number | undefined;
}

/** A longer wrong code is cut when shown. */
const SHOWN_MAX_CHARS = 60;

/** Says that no room has this code, suggests similar ones, and asks again (`children`). Works without scripts. */
export function RoomNotFound(props: RoomNotFoundProps & { children: ComponentChildren }) {
  const code = normalizeRoomCode(props.typed);
  const shown = [...props.typed].slice(0, SHOWN_MAX_CHARS).join("");
  const waits = props.waitSeconds !== undefined;
  return (
    <StatusPage
      title={waits ? t.notFound.waitTitle : t.notFound.roomTitle}
      drawn={code && <Lettering lines={codeLines(code)} class="max-w-xs text-flare" />}
    >
      <p class="text-lg break-words">
        {props.waitSeconds !== undefined
          ? t.notFound.wait(props.waitSeconds)
          : code
          ? t.notFound.noSuchCode(spokenCode(code))
          : t.notFound.notACode(shown)}
      </p>
      {props.suggestions.length > 0 && (
        <section>
          <h2 class="text-lg mb-2">{t.notFound.meant}</h2>
          <CodeLinks codes={props.suggestions} />
        </section>
      )}
      <section>
        <h2 class="text-lg mb-2">{t.notFound.tryCode}</h2>
        {props.children}
      </section>
    </StatusPage>
  );
}
