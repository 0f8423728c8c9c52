// Counts beside the filters. The counts of a field leave out the field's own condition, so that
// they say what choosing another value would give; that takes one request per chosen field and
// one for all the others.
import { api } from "../../api/api.ts";
import { conditions, type FindingFilters } from "../../lib/filters.ts";

export const FACET_FIELDS = ["is_open", "status", "severity", "fix_available", "kev", "overdue", "ecosystem", "scanner"] as const;
export type FacetField = (typeof FACET_FIELDS)[number];
export type FacetCounts = Record<FacetField, Map<string, number>>;

function isChosen(filters: FindingFilters, field: FacetField): boolean {
  const value = filters[field];
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

export async function loadFacets(filters: FindingFilters, signal: AbortSignal): Promise<FacetCounts> {
  const chosen = FACET_FIELDS.filter((field) => isChosen(filters, field));
  const others = FACET_FIELDS.filter((field) => !isChosen(filters, field));
  const groups: FacetField[][] = chosen.map((field) => [field]);
  if (others.length > 0) groups.push([...others]);
  const answers = await Promise.all(
    groups.map((fields) => {
      const query = conditions(filters);
      if (fields.length === 1 && fields[0] && chosen.includes(fields[0])) delete query[fields[0]];
      return api.findings.facets(fields, query, signal);
    }),
  );
  const counts = Object.fromEntries(FACET_FIELDS.map((field) => [field, new Map()])) as FacetCounts;
  for (const { facets } of answers) {
    for (const field of FACET_FIELDS) {
      for (const { value, count } of facets[field] ?? []) counts[field].set(String(value), count);
    }
  }
  return counts;
}
