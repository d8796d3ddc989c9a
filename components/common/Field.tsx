import type { ComponentChildren, JSX, Ref } from "preact";
import { useId } from "preact/hooks";

type FieldProps = Omit<JSX.IntrinsicElements["input"], "label" | "class" | "ref"> & {
  label: string;
  hint?: string;
  /** Why the value is not accepted. Screen readers announce it at once. */
  problem?: string | undefined;
  inputRef?: Ref<HTMLInputElement>;
  /** Beside the input. */
  children?: ComponentChildren;
};

/** A text input with its label, hint and problem. */
export function Field({ label, hint, problem, inputRef, children, ...rest }: FieldProps) {
  const id = useId();
  const notes = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return (
    <div>
      <label for={id} class="block font-bold mb-1">{label}</label>
      <div class="flex gap-2">
        <input
          {...rest}
          id={id}
          ref={inputRef ?? null}
          aria-invalid={problem !== undefined}
          {...notes ? { "aria-describedby": notes } : {}}
          class={`flex-1 min-w-0 min-h-touch px-3 py-2 text-lg bg-sunken border-2 ${
            problem === undefined ? "border-line" : "border-alarm"
          }`}
        />
        {children}
      </div>
      <p id={`${id}-problem`} role="alert" class="text-sm text-alarm font-bold empty:hidden mt-1">{problem}</p>
      {hint && <p id={`${id}-hint`} class="text-sm text-dim mt-1">{hint}</p>}
    </div>
  );
}
