/** A choice between a few options, side by side: radio buttons drawn as one segmented control. */
export function Choices<Value extends string>(props: {
  legend: string;
  name: string;
  value: Value;
  options: readonly { value: Value; label: string }[];
  hint?: string | undefined;
  onChange: (value: Value) => void;
}) {
  return (
    <fieldset>
      <legend class="font-bold mb-1">{props.legend}</legend>
      <div class="flex">
        {props.options.map(({ value, label }, i) => (
          <label
            key={value}
            class={`choice relative flex-1 min-w-0 flex items-center justify-center min-h-touch border-2 font-bold text-center cursor-pointer ${
              i > 0 ? "border-l-0" : ""
            } ${props.options.length > 3 ? "px-0 text-sm" : "px-2"} ${
              value === props.value ? "bg-ink text-ground border-ink" : "border-line hover:bg-raised"
            }`}
          >
            {/* The invisible radio button covers its label, so that touch exploration finds it where it is drawn. */}
            <input
              type="radio"
              name={props.name}
              value={value}
              checked={value === props.value}
              onChange={() => props.onChange(value)}
              class="absolute inset-0 w-full h-full opacity-0 cursor-pointer"
            />
            <span class="truncate pointer-events-none">{label}</span>
          </label>
        ))}
      </div>
      {props.hint && <p class="text-sm text-dim mt-1" aria-live="polite">{props.hint}</p>}
    </fieldset>
  );
}
