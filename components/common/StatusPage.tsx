import type { ComponentChildren } from "preact";
import { Icon } from "./Icon.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** A page with one message, such as "not found". */
export function StatusPage(props: {
  title: string;
  above?: string | undefined;
  /** Decoration above the title. */
  drawn?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <main id="content" class="max-w-xl mx-auto px-4 py-8 flex flex-col gap-5 min-h-screen">
      <a href="/" class="inline-flex items-center gap-2 min-h-touch font-bold">
        <Icon name="back" /> {t.toHome}
      </a>
      {props.drawn}
      {props.above && <p class="text-dim font-bold" dir="auto">{props.above}</p>}
      <h1 class="font-display font-extrabold text-3xl uppercase">{props.title}</h1>
      {props.children}
    </main>
  );
}
