import { useEffect, useState } from "preact/hooks";
import { applyTheme, readTheme, type Theme, THEMES } from "../../lib/ui/theme.ts";
import { Choices } from "./Choices.tsx";
import { dialogTexts as t } from "../../lib/ui/texts/dialog_texts.ts";

/** Chooses the theme: dark, sunlight, or the system's preference. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState<Theme>("auto");
  useEffect(() => setTheme(readTheme()), []);
  return (
    <Choices
      legend={t.settings.theme}
      name="theme"
      value={theme}
      options={THEMES.map((value) => ({ value, label: t.settings.themes[value] }))}
      hint={t.settings.themeHint}
      onChange={(chosen) => {
        setTheme(chosen);
        applyTheme(chosen);
      }}
    />
  );
}
