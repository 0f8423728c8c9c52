// Rules and SLA policies: their conditions and effects in words, and the way from a form to the
// API. Pure functions.
import type {
  AssetType, Environment, Exposure, Finding, Matcher, NewRule, NewSlaPolicy, Origin, OriginKind, Rule, Severity, SlaPolicy, Trace,
} from "../api/types.ts";
import { day, plural } from "./format.ts";
import { humanise, SEVERITY_LABEL, STATUS_LABEL } from "./words.ts";

/** Conditions as a form holds them: lists of texts as lines with commas, numbers as texts. */
export interface MatcherDraft {
  all: boolean;
  severity: Severity[];
  asset_type: AssetType[];
  exposure: Exposure[];
  environment: Environment[];
  vulnerability: string;
  package: string;
  ecosystem: string;
  scanner: string;
  asset: string;
  tag: string;
  owner: string;
  kev: Choice;
  exploit_available: Choice;
  fix_available: Choice;
  epss_min: string;
  cvss_min: string;
  criticality_min: string;
}

/** Yes, no, or either. */
export type Choice = "" | "true" | "false";

const TEXTS = ["vulnerability", "package", "ecosystem", "scanner", "asset", "tag", "owner"] as const;
const CHOICES = ["kev", "exploit_available", "fix_available"] as const;
const NUMBERS = ["epss_min", "cvss_min", "criticality_min"] as const;

export const NEW_MATCHER: MatcherDraft = {
  all: false,
  severity: [],
  asset_type: [],
  exposure: [],
  environment: [],
  vulnerability: "",
  package: "",
  ecosystem: "",
  scanner: "",
  asset: "",
  tag: "",
  owner: "",
  kev: "",
  exploit_available: "",
  fix_available: "",
  epss_min: "",
  cvss_min: "",
  criticality_min: "",
};

export function draftOfMatcher(matcher: Matcher): MatcherDraft {
  const draft: MatcherDraft = {
    ...NEW_MATCHER,
    all: matcher.all,
    severity: matcher.severity,
    asset_type: matcher.asset_type,
    exposure: matcher.exposure,
    environment: matcher.environment,
  };
  for (const name of TEXTS) draft[name] = matcher[name].join(", ");
  for (const name of CHOICES) draft[name] = matcher[name] === undefined ? "" : (String(matcher[name]) as Choice);
  for (const name of NUMBERS) draft[name] = matcher[name] === undefined ? "" : String(matcher[name]);
  return draft;
}

const split = (text: string): string[] => text.split(",").map((part) => part.trim()).filter(Boolean);

/** The conditions as the API takes them; every finding is meant only when nothing else is said. */
export function matcherOf(draft: MatcherDraft): Matcher {
  if (draft.all) return { ...empty(), all: true };
  const matcher: Matcher = {
    ...empty(),
    severity: draft.severity,
    asset_type: draft.asset_type,
    exposure: draft.exposure,
    environment: draft.environment,
  };
  for (const name of TEXTS) matcher[name] = split(draft[name]);
  for (const name of CHOICES) if (draft[name] !== "") matcher[name] = draft[name] === "true";
  for (const name of NUMBERS) if (draft[name].trim() !== "") matcher[name] = Number(draft[name]);
  return matcher;
}

function empty(): Matcher {
  return {
    all: false,
    severity: [],
    vulnerability: [],
    package: [],
    ecosystem: [],
    scanner: [],
    asset: [],
    asset_type: [],
    tag: [],
    exposure: [],
    environment: [],
    owner: [],
  };
}

/** Whether anything is said about which findings are meant. */
export function saysWhich(draft: MatcherDraft): boolean {
  return JSON.stringify(matcherOf(draft)) !== JSON.stringify(empty());
}

const or = (values: readonly string[]): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1) ?? ""}`;

/** Every condition in a few words; all of them must hold. */
export function conditionWords(m: Matcher): string[] {
  if (m.all) return ["Every finding"];
  const list: string[] = [];
  const add = (values: readonly string[], text: (words: string) => string) => {
    if (values.length > 0) list.push(text(or(values)));
  };
  add(m.severity.map((s) => SEVERITY_LABEL[s]), (w) => w);
  add(m.vulnerability, (w) => `Id is ${w}`);
  add(m.package, (w) => `Package is ${w}`);
  add(m.ecosystem, (w) => `Ecosystem is ${w}`);
  add(m.scanner, (w) => `Seen by ${w}`);
  if (m.kev !== undefined) list.push(m.kev ? "Known exploited" : "Not known exploited");
  if (m.exploit_available !== undefined) list.push(m.exploit_available ? "Exploit is public" : "No public exploit");
  if (m.fix_available !== undefined) list.push(m.fix_available ? "Fix available" : "No fix");
  if (m.epss_min !== undefined) list.push(`EPSS from ${m.epss_min}`);
  if (m.cvss_min !== undefined) list.push(`CVSS from ${m.cvss_min}`);
  add(m.asset, (w) => `Asset is ${w}`);
  add(m.asset_type.map(humanise), (w) => `Asset is a ${w.toLowerCase()}`);
  add(m.tag, (w) => `Tag ${w}`);
  add(m.exposure.map((e) => humanise(e)), (w) => `Exposure ${w.toLowerCase()}`);
  add(m.environment.map((e) => humanise(e)), (w) => `Environment ${w.toLowerCase()}`);
  if (m.criticality_min !== undefined) list.push(`Criticality from ${m.criticality_min}`);
  add(m.owner, (w) => `Owner is ${w}`);
  return list;
}

/** What a rule does, in a few words. */
export function actionWords(rule: Pick<Rule, "actions" | "stop">): string[] {
  const { assign_to, due_days, triage, note } = rule.actions;
  const list: string[] = [];
  if (assign_to !== undefined) list.push(`Assign to ${assign_to}`);
  if (due_days !== undefined) list.push(`Due in ${plural(due_days, "day")}`);
  if (triage) list.push("Mark as triaged");
  if (note !== undefined) list.push(`Note: ${note}`);
  if (rule.stop) list.push("No later rule");
  return list;
}

/** The form of a rule. */
export interface RuleDraft {
  name: string;
  description: string;
  enabled: boolean;
  matcher: MatcherDraft;
  assignTo: string;
  dueDays: string;
  triage: boolean;
  note: string;
  stop: boolean;
}

export function draftOfRule(rule: Rule | undefined): RuleDraft {
  return {
    name: rule?.name ?? "",
    description: rule?.description ?? "",
    enabled: rule?.enabled ?? true,
    matcher: rule ? draftOfMatcher(rule.matcher) : { ...NEW_MATCHER },
    assignTo: rule?.actions.assign_to ?? "",
    dueDays: rule?.actions.due_days?.toString() ?? "",
    triage: rule?.actions.triage ?? false,
    note: rule?.actions.note ?? "",
    stop: rule?.stop ?? false,
  };
}

export function ruleOf(draft: RuleDraft): NewRule {
  const [who, note] = [draft.assignTo.trim(), draft.note.trim()];
  return {
    name: draft.name.trim(),
    ...(draft.description.trim() !== "" && { description: draft.description.trim() }),
    enabled: draft.enabled,
    matcher: matcherOf(draft.matcher),
    actions: {
      triage: draft.triage,
      ...(who !== "" && { assign_to: who }),
      ...(draft.dueDays !== "" && { due_days: Number(draft.dueDays) }),
      ...(note !== "" && { note }),
    },
    stop: draft.stop,
  };
}

/** What is missing before a rule can be saved or previewed, in words. */
export function missingInRule(draft: RuleDraft): string | undefined {
  if (!saysWhich(draft.matcher)) return "Say which findings it is about.";
  const rule = ruleOf(draft);
  return actionWords({ actions: rule.actions, stop: draft.stop }).length === 0 ? "Say what it does." : undefined;
}

/** The form of an SLA policy. */
export interface SlaDraft {
  name: string;
  description: string;
  enabled: boolean;
  matcher: MatcherDraft;
  days: string;
  onReopen: SlaPolicy["on_reopen"];
  whileAccepted: SlaPolicy["while_accepted"];
}

export function draftOfSla(policy: SlaPolicy | undefined): SlaDraft {
  return {
    name: policy?.name ?? "",
    description: policy?.description ?? "",
    enabled: policy?.enabled ?? true,
    matcher: policy ? draftOfMatcher(policy.matcher) : { ...NEW_MATCHER },
    days: policy?.days.toString() ?? "",
    onReopen: policy?.on_reopen ?? "restart",
    whileAccepted: policy?.while_accepted ?? "pause",
  };
}

export function slaOf(draft: SlaDraft): NewSlaPolicy {
  return {
    name: draft.name.trim(),
    ...(draft.description.trim() !== "" && { description: draft.description.trim() }),
    enabled: draft.enabled,
    matcher: matcherOf(draft.matcher),
    days: Number(draft.days),
    on_reopen: draft.onReopen,
    while_accepted: draft.whileAccepted,
  };
}

export function missingInSla(draft: SlaDraft): string | undefined {
  if (!saysWhich(draft.matcher)) return "Say which findings it is about.";
  return draft.days === "" ? "Say within how many days." : undefined;
}

/** A merge patch leaves what it does not name, so what was emptied must be named. */
export function emptied<T extends { description?: string | undefined }>(body: T): T & { description: string | null } {
  return { ...body, description: body.description ?? null };
}

const ORIGIN: Record<OriginKind, string> = {
  person: "set by",
  decision: "by a decision of",
  rule: "by the rule",
  sla: "by the SLA policy",
};

/** `by the SLA policy High`. */
export function originWords(origin: Origin): string {
  return `${ORIGIN[origin.kind]} ${origin.name}`;
}

/** Where one can read more about it. */
export function originLink(origin: Origin): string | undefined {
  if (origin.kind === "decision") return `/decisions/${origin.id ?? ""}`;
  if (origin.kind === "rule") return "/settings/rules";
  return origin.kind === "sla" ? "/settings/sla" : undefined;
}

const THING: Record<Trace["thing"], string> = { assigned_to: "Assignee", due_at: "Due date", notes: "Notes", status: "Status" };

/** `Due date 2026-08-12`, or that it was taken back. */
export function traceWords(entry: Trace): string {
  if (entry.value === undefined) return `${THING[entry.thing]} taken back`;
  if (entry.thing === "due_at") return `Due date ${day(entry.value)}`;
  if (entry.thing === "status") return `Status ${(STATUS_LABEL as Record<string, string>)[entry.value] ?? entry.value}`;
  return `${THING[entry.thing]}: ${entry.value}`;
}

/** `due 2026-08-12`, and how long ago that was when it is late. */
export function dueWords(finding: Pick<Finding, "due_at" | "overdue">): string {
  if (finding.due_at === undefined) return "";
  return finding.overdue ? `Overdue since ${day(finding.due_at)}` : `Due ${day(finding.due_at)}`;
}
