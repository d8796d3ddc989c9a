import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { MESSAGE_MAX_CHARS } from "../../lib/protocol/limits.ts";
import { IconButton } from "../common/Button.tsx";
import { Icon } from "../common/Icon.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";
import { type DraftPlace, readDraft, writeDraft } from "./drafts.ts";

/** The composer writes a message, a reply, or new text for an old message. */
export type Writing =
  | { mode: "message" }
  | { mode: "reply"; id: string; name: string; text: string }
  | { mode: "edit"; id: string; text: string };

/** The target of the skip button, past all messages. */
export const COMPOSER_FIELD_ID = "composer-field";

/** The composer counts down from this many characters left. */
const COUNT_FROM = 200;

export function Composer(props: {
  writing: Writing;
  draft: DraftPlace;
  /** Without a connection, sent messages wait. */
  offline: boolean;
  /** Text put in from outside, such as that of a refused message. Each object is used once. */
  inserted: { text: string } | undefined;
  /** Resolves to a problem if the message was not taken; its text then stays in the field. */
  onSend: (text: string) => Promise<string | undefined>;
  /** The first message asks for a name; until then it stays a draft. */
  asksName: boolean;
  onStop: () => void;
  /** Called with files that were chosen or pasted. */
  onFiles: (files: File[]) => void;
}) {
  const { writing, draft } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  /** The draft from before an edit began. */
  const setAside = useRef<string>();
  /** The message that waits for a name. */
  const unnamed = useRef("");

  // Read before the updater: that runs later, when the effect below has already stored the empty text.
  // Both are layout effects, because a text that waits for the next frame is lost if the page closes now.
  useLayoutEffect(() => {
    const kept = readDraft(draft);
    setText((typed) => typed || kept);
  }, [draft.room]);
  useEffect(() => {
    if (props.inserted === undefined) return;
    const { text: inserted } = props.inserted;
    setText((old) => old.trim() === "" ? inserted : `${old}\n${inserted}`);
    field.current?.focus();
  }, [props.inserted]);
  // A layout effect runs within the press: iOS opens its keyboard only for a focus in the same event.
  useLayoutEffect(() => {
    if (writing.mode === "edit") {
      setAside.current ??= text;
      setText(writing.text);
    } else if (setAside.current !== undefined) {
      setText(setAside.current);
      setAside.current = undefined;
    }
    setProblem(undefined);
    if (writing.mode !== "message") field.current?.focus();
  }, [writing]);
  useLayoutEffect(() => {
    if (writing.mode !== "edit") writeDraft(draft, text || unnamed.current);
    if (field.current) fit(field.current);
  }, [text]);

  const left = MESSAGE_MAX_CHARS - lengthOf(text);
  const canSend = text.trim() !== "" && left >= 0;

  const send = async () => {
    if (!canSend) return field.current?.focus();
    // The field empties at once, so that people can type on while this message is stored. A refused text comes back.
    const sent = text;
    if (props.asksName) unnamed.current = sent;
    setText("");
    setProblem(undefined);
    const refused = await props.onSend(sent.trim());
    unnamed.current = "";
    if (refused === undefined) return;
    setProblem(refused);
    setText((typed) => typed === "" ? sent : `${sent}\n${typed}`);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {writing.mode !== "message" && (
        <ComposerContext
          title={writing.mode === "reply" ? t.composer.replying(writing.name) : t.composer.editing}
          text={writing.text}
          onStop={props.onStop}
        />
      )}
      <p role="alert" class="px-3 pt-2 max-w-3xl mx-auto text-sm font-bold text-alarm empty:hidden">
        {problem ?? (left < 0 ? t.composer.tooLong(-left) : undefined)}
      </p>
      <div class="flex items-end gap-2 px-2 py-2 border-t-2 border-line max-w-3xl mx-auto">
        {writing.mode === "message" && (
          <>
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              onChange={({ currentTarget }) => {
                props.onFiles([...currentTarget.files ?? []]);
                currentTarget.value = "";
              }}
            />
            <IconButton
              icon="attach"
              label={t.composer.attach}
              onClick={() => picker.current?.click()}
              class="-ml-2 text-dim hover:text-ink"
            />
          </>
        )}
        <textarea
          ref={field}
          id={COMPOSER_FIELD_ID}
          value={text}
          rows={1}
          dir="auto"
          aria-label={t.composer.label}
          placeholder={props.offline ? t.composer.hintOffline : t.composer.hint}
          autocomplete="off"
          class="field-grows flex-1 min-w-0 min-h-touch px-3 py-2 text-base bg-sunken border-2 border-line focus:border-ink"
          onPaste={(event) => {
            const files = [...event.clipboardData?.files ?? []];
            if (files.length === 0) return;
            event.preventDefault();
            props.onFiles(files);
          }}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape" && writing.mode !== "message") return props.onStop();
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasRealKeyboard()) return;
            event.preventDefault();
            void send();
          }}
        />
        <button
          type="submit"
          aria-label={writing.mode === "edit" ? t.composer.save : t.composer.send}
          aria-disabled={!canSend}
          class="inline-flex items-center justify-center w-12 min-h-touch bg-band text-on-band border-2 border-edge active:translate-y-px"
        >
          <Icon name={writing.mode === "edit" ? "check" : "send"} />
        </button>
      </div>
      {left <= COUNT_FROM && left >= 0 && (
        <p class="px-3 pb-1 max-w-3xl mx-auto text-xs text-dim tabular-nums" aria-live="polite">
          {t.composer.left(left)}
        </p>
      )}
    </form>
  );
}

/** The message that is being answered or edited. */
function ComposerContext(props: { title: string; text: string; onStop: () => void }) {
  return (
    <div class="flex items-center gap-2 pl-3 w-full max-w-3xl mx-auto border-t-2 border-line bg-raised">
      <p class="flex-1 min-w-0 text-sm py-1">
        <strong class="block truncate">{props.title}</strong>
        <span class="block truncate text-dim" dir="auto">{props.text}</span>
      </p>
      <IconButton icon="close" label={t.composer.stop} onClick={props.onStop} />
    </div>
  );
}

/** Length in code points, as the protocol counts. UTF-16 units are never fewer, so short texts need no counting. */
function lengthOf(text: string): number {
  const trimmed = text.trim();
  return trimmed.length <= MESSAGE_MAX_CHARS - COUNT_FROM ? trimmed.length : [...trimmed].length;
}

/** Sets the height in browsers without `field-sizing`. The stylesheet limits it to five lines. */
function fit(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
}

/** With a real keyboard Enter sends. On a phone it starts a new line. */
function hasRealKeyboard(): boolean {
  return matchMedia("(hover: hover) and (pointer: fine)").matches;
}
