// Every page, with addresses of records that exist on this server.
import { get, OPEN } from "./support.mjs";

export async function everyPage(page) {
  const first = async (resource, sort) => (await get(page, `/${resource}?sort=${sort}&page_size=1`)).items[0];
  const finding = await first("findings", "-priority_score");
  const imported = await first("imports", "-id");
  return {
    overview: "/",
    findings: `/findings?${OPEN}`,
    finding: `/findings/${finding.id}`,
    nothing: "/findings?search=zzzzqqqq",
    assets: "/assets",
    asset: `/assets/${finding.asset_id}`,
    vulnerabilities: "/vulnerabilities",
    vulnerability: `/vulnerabilities/${encodeURIComponent(finding.cve_id)}`,
    imports: "/imports",
    import: `/imports/${imported?.id ?? finding.last_import_id}`,
    account: "/settings",
    tokens: "/settings/tokens",
    users: "/settings/users",
    audit: "/settings/audit",
    about: "/settings/about",
    missing: "/no/such/page",
  };
}
