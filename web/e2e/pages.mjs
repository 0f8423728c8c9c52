// Every page, with addresses of records that exist on this server.
import { get, hold, OPEN, post, seed } from "./support.mjs";

/** Makes sure that every page has something to show: findings, a decision, an import that is held back. */
export async function furnish(page) {
  await seed(page);
  const some = async (where) => (await get(page, `${where}&page_size=1`)).items[0];
  if (!(await some("/decisions?state=active"))) {
    const { id } = await some("/findings?is_open=true");
    const expires = new Date(Date.now() + 10 * 86_400_000).toISOString();
    await post(page, "/decisions", { kind: "risk_accepted", finding_id: id, reason: "Only reachable from the host itself.", expires_at: expires });
  }
  if (!(await some("/rules?enabled=true"))) {
    const matcher = { package: ["openssh*", "libc6"], severity: ["critical", "high"] };
    await post(page, "/rules", { name: "Base packages", matcher, actions: { assign_to: "ops", due_days: 7, triage: true } });
  }
  if (!(await some("/imports?status=quarantined"))) await hold(page, `e2e/held:${Date.now()}`);
}

export async function everyPage(page) {
  const first = async (resource, sort) => (await get(page, `/${resource}?sort=${sort}&page_size=1`)).items[0];
  const finding = await first("findings", "-priority_score");
  const decision = (await get(page, "/decisions?state=active&page_size=1")).items[0];
  const decided = (await get(page, `/findings?decision_id=${decision.id}&page_size=1`)).items[0];
  const held = (await get(page, "/imports?status=quarantined&page_size=1")).items[0];
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
    decisions: "/decisions",
    decision: `/decisions/${decision.id}`,
    decided: `/findings/${decided.id}`,
    held: `/imports/${held.id}`,
    imports: "/imports",
    import: `/imports/${imported?.id ?? finding.last_import_id}`,
    account: "/settings",
    rules: "/settings/rules",
    sla: "/settings/sla",
    tokens: "/settings/tokens",
    mappings: "/settings/mappings",
    users: "/settings/users",
    audit: "/settings/audit",
    about: "/settings/about",
    missing: "/no/such/page",
  };
}
