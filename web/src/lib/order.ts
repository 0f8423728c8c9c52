// Lists whose order matters. Pure functions.

/** The list with one entry moved by so many places; what would leave the list stays. */
export function moved<T>(list: readonly T[], at: number, by: number): T[] {
  const to = at + by;
  const entry = list[at];
  if (entry === undefined || to < 0 || to >= list.length) return [...list];
  const rest = list.toSpliced(at, 1);
  rest.splice(to, 0, entry);
  return rest;
}
