import type { ComponentChildren } from "preact";
import { CodeLinks } from "./CodeLinks.tsx";
import { normalizeRoomCode } from "../../lib/chat/room_code.ts";
import { codeLines, spokenCode } from "../../lib/ui/spoken_code.ts";
import { Lettering } from "../common/Lettering.tsx";
import { StatusPage } from "../common/StatusPage.tsx";
import { homeTexts as t } from "../../lib/ui/texts/home_texts.ts";

export interface RoomNotFoundProps {
  /** What was looked for, as it stood in the link. */
  typed: string;
  /** Codes of rooms that exist, nearest first. */
  suggestions: readonly string[];
  /** Set when this device tried too many wrong codes. */
  waitSeconds?: number | undefined;
}

/** Longest part of a wrong code that is repeated to its author. */
const SHOWN_MAX_CHARS = 60;

/** No room has this code: says what was looked for, shows what may have been meant, asks again. Works without script. */
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
          ? t.notFound.looked(spokenCode(code))
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
