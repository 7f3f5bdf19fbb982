/** Light or dark: as the system has it, until somebody says otherwise. */
import { byId } from "./dom.ts";

/** A set of colours. */
export type Theme = "light" | "dark";
type Choice = Theme | "system";

const KEY = "mesh-30k-theme";
const NEXT: Readonly<Record<Choice, Choice>> = { system: "light", light: "dark", dark: "system" };
const SIGNS: Readonly<Record<Choice, string>> = { system: "◐", light: "○", dark: "●" };

/** Gives the page its theme at once, before anything is asked of the mesh: it must not be seen in another. */
export function showTheme(): void {
  document.documentElement.dataset.theme = themeOf(chosen());
}

function chosen(): Choice {
  const choice = (localStorage.getItem(KEY) ?? "system") as Choice;
  return choice in NEXT ? choice : "system";
}

function themeOf(choice: Choice): Theme {
  if (choice !== "system") return choice;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Sets the theme up, and calls `onTheme` with it now and whenever it changes. */
export function openTheme(onTheme: (theme: Theme) => void): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = byId<HTMLButtonElement>("theme");
  let choice = chosen();
  const apply = (): void => {
    const theme = themeOf(choice);
    document.documentElement.dataset.theme = theme;
    button.textContent = SIGNS[choice];
    button.setAttribute("aria-label", `Theme: ${choice}`);
    button.title = `Theme: ${choice}`;
    onTheme(theme);
  };
  button.addEventListener("click", () => {
    choice = NEXT[choice];
    localStorage.setItem(KEY, choice);
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
