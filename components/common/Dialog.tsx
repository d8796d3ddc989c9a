import type { ComponentChildren, RefObject } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { IconButton } from "./Button.tsx";
import { roomTexts as t } from "../../lib/ui/texts/room_texts.ts";

/**
 * A modal dialog, open as long as it is rendered. The browser keeps the focus inside and returns it afterwards. Esc, the
 * close button and a press outside call `onClose`.
 */
export function Dialog(props: {
  title: string;
  onClose: () => void;
  /** Has the focus at first, so that no key goes to the close button; older browsers know no `autofocus` in a dialog. */
  first?: RefObject<HTMLElement>;
  /** Fills the screen instead of a sheet. */
  full?: boolean;
  class?: string;
  children?: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  // A layout effect opens it within the same press, so the next key already goes to the dialog.
  useLayoutEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    props.first?.current?.focus();
    return () => {
      shown?.close();
      if (!(before instanceof HTMLElement) || !before.isConnected) return;
      // On close() Chromium returns the focus without the caret, and typed text would be lost.
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
      {/* This element covers the whole dialog, so a press whose target is the dialog was on the backdrop. */}
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
