// Light, dark or the system's choice, remembered. public/theme.js applies it before the first
// paint with the same storage key.
export type Theme = "auto" | "light" | "dark";
const KEY = "vulnzero.theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    // Storage is blocked: the choice lasts until the page is closed.
    return "auto";
  }
}

class ThemeChoice {
  current = $state<Theme>(stored());
  #systemDark = window.matchMedia("(prefers-color-scheme: dark)");
  #system = $state(this.#systemDark.matches);

  constructor() {
    this.#systemDark.addEventListener("change", (event) => (this.#system = event.matches));
  }

  /** Whether the page is dark right now. */
  get dark(): boolean {
    return this.current === "dark" || (this.current === "auto" && this.#system);
  }

  set(theme: Theme): void {
    this.current = theme;
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    try {
      if (theme === "auto") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // See above: nothing to remember it in.
    }
  }

  toggle(): void {
    this.set(this.dark ? "light" : "dark");
  }
}

export const theme = new ThemeChoice();

/** The value that a colour token has now, for canvas drawing. */
export function tokenColor(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
