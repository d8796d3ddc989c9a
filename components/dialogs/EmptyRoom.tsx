import { codeLines, spokenCode } from "../../lib/ui/spoken_code.ts";
import { Button } from "../common/Button.tsx";
import { Lettering } from "../common/Lettering.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** A room without messages. Inviting people is the next step, so its code is shown large. */
export default function EmptyRoom(props: { code: string | undefined; onShare: () => void }) {
  return (
    <div class="flex-1 flex flex-col justify-center gap-5 py-6 w-full max-w-md mx-auto">
      <p class="font-display font-extrabold text-2xl">{t.empty.title}</p>
      {props.code && (
        <Lettering lines={codeLines(props.code)} label={spokenCode(props.code)} class="text-band code-sign" />
      )}
      <p class="text-dim">{props.code ? t.empty.hint : t.empty.hintSealed}</p>
      <Button look="band" icon="share" onClick={props.onShare}>{t.room.share}</Button>
    </div>
  );
}
