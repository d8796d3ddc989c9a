import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "./Button.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/**
 * A modal dialog: there as long as it is rendered. The browser keeps the focus inside and gives it back. Esc, the close
 * button and a press beside it call `onClose`.
 */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  /** The whole screen instead of a sheet. */
  full?: boolean;
  class?: string;
  children?: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  // Still inside the press that asked for it: a key that comes next belongs to the dialog already.
  useLayoutEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (!(before instanceof HTMLElement) || !before.isConnected) return;
      // On close() Chromium gives the focus back without the cursor: what is typed then goes nowhere.
      before.blur();
      before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={`${props.full ? "full" : "sheet arrive"} ${props.class ?? ""}`}
      aria-labelledby={title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) props.onClose();
      }}
    >
      {/* The dialog itself is only its border and the backdrop: a press inside never has it as its target. */}
      <div class="p-4 pt-2 min-h-full">
        <div class="flex items-center justify-between gap-2 mb-2">
          <h2 id={title} class="text-xl font-display font-extrabold uppercase tracking-wide">{props.title}</h2>
          <IconButton icon="close" label={t.app.close} onClick={props.onClose} class="-mr-2" />
        </div>
        {props.children}
      </div>
    </dialog>
  );
}
