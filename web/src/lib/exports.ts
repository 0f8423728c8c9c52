// The files that a list can be had as. Names are the API's own, so that a name it does not
// know does not compile.
import { apiPath, type Query } from "../api/client.ts";
import type { operations } from "../api/schema.d.ts";

type Name = operations["export_findings"]["parameters"]["query"]["format"];

export interface ExportFormat {
  name: Name;
  label: string;
}

/** Of every list. */
export const TABLES: readonly ExportFormat[] = [
  { name: "csv", label: "CSV" },
  { name: "jsonl", label: "JSON Lines" },
];

/** Of findings, beside tables. */
export const DOCUMENTS: readonly ExportFormat[] = [
  { name: "sarif", label: "SARIF 2.1.0" },
  { name: "cyclonedx-vdr", label: "CycloneDX VDR" },
  { name: "cyclonedx-vex", label: "CycloneDX VEX" },
  { name: "openvex", label: "OpenVEX" },
  { name: "csaf-vex", label: "CSAF VEX" },
];

/** Where the file is of all that the query of a list shows, on whatever page. */
export function exportPath(path: string, format: Name, query: Query): string {
  const { page: _page, page_size: _size, ...shown } = query;
  return apiPath(`${path}/export`, { format, ...shown });
}
