import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Button, IconButton } from "../common/Button.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";
import { firstGrapheme } from "../../lib/ui/graphemes.ts";
import { icons } from "../common/more_icons.ts";

/** Reactions offered for one press. */
const QUICK_REACTIONS = ["👍", "❤️", "😂", "🔥", "🎉", "😮"];

interface MessageActionHandlers {
  onReply: () => void;
  onReact: (emoji: string) => void;
  onCopy?: (() => Promise<boolean>) | undefined;
  /** Only for my own messages. */
  onEdit?: (() => void) | undefined;
  onDelete?: (() => void) | undefined;
  onClose: () => void;
}

/** The actions on one message, shown below it. The focus starts at the first action; Esc closes. */
export default function MessageActions(props: MessageActionHandlers & { id: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [copied, setCopied] = useState<boolean>();
  const [sure, setSure] = useState(false);
  const [other, setOther] = useState(false);
  useLayoutEffect(() => box.current?.querySelector("button")?.focus(), []);

  return (
    <div
      ref={box}
      id={props.id}
      role="group"
      aria-label={t.message.actions}
      class="arrive border-2 border-line bg-raised p-1 my-1 max-w-full"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        props.onClose();
      }}
    >
      <div class="quick-reactions flex flex-wrap">
        {QUICK_REACTIONS.map((emoji) => (
          <button
            key={emoji}
            type="button"
            aria-label={`${t.menu.react}: ${emoji}`}
            onClick={() => props.onReact(emoji)}
            class="min-w-touch min-h-touch text-xl active:translate-y-px hover:bg-ground"
          >
            {emoji}
          </button>
        ))}
        <IconButton
          icon={icons.smile}
          label={t.menu.otherEmoji}
          aria-expanded={other}
          onClick={() => setOther(!other)}
          class="hover:bg-ground"
        />
      </div>
      {other && <OtherEmoji onReact={props.onReact} />}
      {sure
        ? (
          <div class="flex flex-wrap items-center gap-2 p-1">
            <p class="w-full font-bold sm:w-auto sm:flex-1">{t.menu.deleteSure}</p>
            <Button look="alarm" icon="undo" onClick={props.onDelete}>{t.menu.deleteMessage}</Button>
            <Button onClick={() => setSure(false)}>{t.app.cancel}</Button>
          </div>
        )
        : (
          <div class="grid grid-cols-2 gap-1 sm:flex">
            <Button icon={icons.reply} onClick={props.onReply}>{t.menu.reply}</Button>
            {props.onCopy && (
              <Button icon={icons.copy} onClick={async () => setCopied(await props.onCopy?.())}>
                <span aria-live="polite">
                  {copied === undefined ? t.menu.copy : copied ? t.clipboard.copied : t.clipboard.failed}
                </span>
              </Button>
            )}
            {props.onEdit && <Button icon={icons.edit} onClick={props.onEdit}>{t.menu.edit}</Button>}
            {props.onDelete && <Button icon="undo" onClick={() => setSure(true)}>{t.menu.deleteMessage}</Button>}
          </div>
        )}
    </div>
  );
}

/** Reacts with the first emoji typed on the phone's own keyboard. */
function OtherEmoji(props: { onReact: (emoji: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  return (
    <input
      ref={input}
      aria-label={t.menu.otherEmoji}
      placeholder={t.menu.otherEmoji}
      autocomplete="off"
      class="w-full min-h-touch px-3 mb-1 bg-sunken border-2 border-line text-lg"
      onInput={(event) => {
        const emoji = firstGrapheme(event.currentTarget.value.trim());
        if (emoji !== undefined && /\p{Extended_Pictographic}|\p{RI}|\u20e3/u.test(emoji)) props.onReact(emoji);
      }}
    />
  );
}
