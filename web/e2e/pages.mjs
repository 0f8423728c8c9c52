// Every page, with addresses of records that exist on this server.
import { bill, get, hold, hosts, OPEN, post, seed, send } from "./support.mjs";

/** Makes sure that every page has something to show: findings, a decision, packages that came and
    went, hosts that share an address, a bulk edit, an import that is held back. */
export async function furnish(page) {
  await seed(page);
  const some = async (where) => (await get(page, `${where}&page_size=1`)).items[0];
  if (!(await some("/decisions?state=active&kind=risk_accepted"))) {
    const { id } = await some("/findings?is_open=true");
    const expires = new Date(Date.now() + 10 * 86_400_000).toISOString();
    await post(page, "/decisions", { kind: "risk_accepted", finding_id: id, reason: "Only reachable from the host itself.", expires_at: expires });
  }
  if (!(await some("/decisions?state=active&kind=assignment"))) {
    const { cve_id: vulnerability } = await some("/findings?is_open=true");
    await post(page, "/decisions", { kind: "assignment", vulnerability, assigned_to: "ops", reason: "They own the base image." });
  }
  if (!(await some("/rules?enabled=true"))) {
    const matcher = { package: ["openssh*", "libc6"], severity: ["critical", "high"] };
    await post(page, "/rules", { name: "Base packages", matcher, actions: { assign_to: "ops", due_days: 7, triage: true } });
  }
  if (!(await some("/packages?is_installed=false"))) {
    await send(page, { name: "e2e-bill.json", text: bill("e2e/shop:1.0", { openssl: "3.0.11-1", zlib1g: "1.2.13", curl: "7.88.1" }) });
    await send(page, { name: "e2e-bill.json", text: bill("e2e/shop:1.0", { openssl: "3.0.15-1", zlib1g: "1.2.13", "libstdc++6": "12.2.0" }) });
  }
  if (!(await some("/assets?search=twin"))) {
    await send(page, { name: "e2e-twins.csv", text: hosts({ "twin-a.example.org": "192.0.2.7", "twin-b": "192.0.2.7" }) });
  }
  if (!(await some("/changes?kind=bulk_edit&state=kept"))) {
    const { id } = await some("/findings?is_open=true");
    await post(page, "/findings/bulk", { ids: [id], patch: { assigned_to: "ops" } });
  }
  if (!(await some("/imports?status=quarantined"))) await hold(page, `e2e/held:${Date.now()}`);
}

export async function everyPage(page) {
  const first = async (resource, sort) => (await get(page, `/${resource}?sort=${sort}&page_size=1`)).items[0];
  const finding = await first("findings", "-priority_score");
  const decision = (await get(page, "/decisions?state=active&kind=risk_accepted&page_size=1")).items[0];
  const decided = (await get(page, `/findings?decision_id=${decision.id}&page_size=1`)).items[0];
  const held = (await get(page, "/imports?status=quarantined&page_size=1")).items[0];
  const given = (await get(page, "/decisions?state=active&kind=assignment&page_size=1")).items[0];
  const listed = (await get(page, "/packages?is_installed=false&page_size=1")).items[0];
  const imported = await first("imports", "-id");
  return {
    overview: "/",
    findings: `/findings?${OPEN}`,
    finding: `/findings/${finding.id}`,
    nothing: "/findings?search=zzzzqqqq",
    assets: "/assets",
    packages: "/packages",
    history: `/packages?asset_id=${listed.asset_id}&name=openssl&is_installed=all`,
    packed: `/assets/${listed.asset_id}`,
    changes: "/changes",
    asset: `/assets/${finding.asset_id}`,
    vulnerabilities: "/vulnerabilities",
    vulnerability: `/vulnerabilities/${encodeURIComponent(finding.cve_id)}`,
    decisions: "/decisions",
    decision: `/decisions/${decision.id}`,
    given: `/decisions/${given.id}`,
    decided: `/findings/${decided.id}`,
    held: `/imports/${held.id}`,
    imports: "/imports",
    import: `/imports/${imported?.id ?? finding.last_import_id}`,
    account: "/settings",
    rules: "/settings/rules",
    sla: "/settings/sla",
    identity: "/settings/identity",
    tokens: "/settings/tokens",
    mappings: "/settings/mappings",
    users: "/settings/users",
    audit: "/settings/audit",
    about: "/settings/about",
    missing: "/no/such/page",
  };
}
