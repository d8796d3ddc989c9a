import { linkify } from "../../lib/ui/linkify.ts";

/** A text with its line breaks and clickable links; a few emoji alone are larger. It is never read as markup. */
export function MessageText({ text }: { text: string }) {
  return (
    <p dir="auto" class={`whitespace-pre-wrap break-words ${isEmojiOnly(text) ? "text-3xl" : "text-base"}`}>
      {linkify(text).map((part) =>
        part.href === undefined ? part.text : (
          <a
            href={part.href}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
            class="underline decoration-2 underline-offset-2 hover:text-flare-ink"
          >
            {part.text}
          </a>
        )
      )}
    </p>
  );
}

/** Whether a text is one to six emoji and nothing else. */
function isEmojiOnly(text: string): boolean {
  return text.length <= 60 &&
    /^(?:(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f?)\p{EMod}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{EMod}?)*\s*){1,6}$/u
      .test(text);
}
