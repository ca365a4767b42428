// Light or dark: the system's wish, unless the reader chose one; the choice stays in this browser.

export type ThemeChoice = 'system' | 'light' | 'dark';

const key = 'sparkplug-theme';

export function readTheme(): ThemeChoice {
  try {
    const stored = localStorage.getItem(key);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    // Storage may be forbidden; then the choice lasts as long as the page.
    return 'system';
  }
}

/** Sets the attribute that the style sheet reads, and tells the charts, which draw on a canvas. */
export function applyTheme(choice: ThemeChoice): void {
  const { dataset } = document.documentElement;
  if (choice === 'system') delete dataset.theme;
  else dataset.theme = choice;
  try {
    if (choice === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, choice);
  } catch {
    // As above.
  }
  window.dispatchEvent(new Event(themeChanged));
}

export const themeChanged = 'sparkplug-theme-changed';
