// Names that people type: ids of advisories. Pure functions.

/** Several advisory ids with spaces or commas between, in capitals as the server knows them, each once. */
export function splitIds(text: string): string[] {
  return [...new Set(text.toUpperCase().split(/[\s,;]+/).filter(Boolean))];
}
