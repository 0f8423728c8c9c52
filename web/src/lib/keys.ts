// Which key presses are shortcuts: never while someone types or a dialog is open.

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || (target.matches("input, textarea, select") && !target.matches("[type=checkbox]")))
  );
}

/** A plain key press that a page may use as a shortcut. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  return !isTyping(event.target) && document.querySelector("dialog[open]") === null;
}
