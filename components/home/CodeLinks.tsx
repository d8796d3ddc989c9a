import { spokenCode } from "../../lib/ui/spoken_code.ts";

/** A list of codes, as links to their rooms. */
export function CodeLinks(props: { codes: readonly string[] }) {
  return (
    <ul class="flex flex-col gap-2">
      {props.codes.map((code) => (
        <li key={code}>
          <a
            href={`/r/${code}`}
            class="flex items-center min-h-touch px-3 border-2 border-ink font-display font-extrabold text-lg uppercase tracking-wide no-underline hover:bg-raised"
          >
            {spokenCode(code)}
          </a>
        </li>
      ))}
    </ul>
  );
}
