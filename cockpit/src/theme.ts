/** Light or dark: the choice in Cockpit's menu, otherwise the browser's preference. */
const DARK_CLASS = "pf-v6-theme-dark";
/** Where Cockpit's shell keeps the choice: `auto`, `light` or `dark`. */
const CHOICE = "shell:style";

export function followTheme(): void {
  const prefersDark = globalThis.matchMedia("(prefers-color-scheme: dark)");
  const apply = (choice: string): void => {
    const isDark = choice === "dark" || (choice === "auto" && prefersDark.matches);
    globalThis.document.documentElement.classList.toggle(DARK_CLASS, isDark);
  };
  const chosen = (): string => localStorage.getItem(CHOICE) ?? "auto";
  apply(chosen());
  prefersDark.addEventListener("change", () => apply(chosen()));
  globalThis.addEventListener("storage", () => apply(chosen()));
  // The shell also reports a change to its frames.
  globalThis.addEventListener("cockpit-style", (event) => {
    const style: unknown = event instanceof CustomEvent ? event.detail?.style : undefined;
    apply(typeof style === "string" ? style : chosen());
  });
}
