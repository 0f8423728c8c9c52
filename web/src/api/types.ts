// The API's shapes: names for what `npm run gen` makes of the server's own description
// (`openapi.json`, which a test of the server holds to what it serves). No other file names
// a shape of the API.
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

/** RFC 3339 time in UTC. */
export type Time = string;
export type Severity = Schemas["Severity"];
export type FindingStatus = Schemas["FindingStatus"];
export type Stage = Schemas["Stage"];
export type Verdict = Schemas["Verdict"];
export type Role = Schemas["Role"];

export type User = Schemas["User"];
export type Session = Schemas["SessionView"];
export type Component = Schemas["Component"];
export type Place = Schemas["Place"];
export type Transition = Schemas["Transition"];
export type FindingSource = Schemas["Source"];
export type Finding = Schemas["Finding"];
export type Cvss = Schemas["CvssScore"];
export type Vulnerability = Schemas["Vulnerability"];
export type Asset = Schemas["Asset"];
export type Decision = Schemas["Decision"];
export type DecisionKind = Schemas["DecisionKind"];
export type DecisionScope = Schemas["DecisionScope"];
export type DecisionState = Schemas["DecisionState"];
export type DecisionPreview = Schemas["DecisionPreview"];
export type NewDecision = Schemas["NewDecision"];
export type Justification = Schemas["Justification"];
export type ScanKind = Schemas["ScanKind"];
export type IdentifierKind = Schemas["IdentifierKind"];
export type IdentityRule = Schemas["IdentityRule"];
export type Twin = Schemas["Twin"];
export type AssetMove = Schemas["AssetMove"];
export type ImportStatus = Schemas["ImportStatus"];
export type Import = Schemas["Import"];
export type Change = Schemas["Change"];
export type ChangeKind = Schemas["ChangeKind"];
export type ChangeState = Schemas["ChangeState"];
export type Package = Schemas["Package"];
export type Service = Schemas["Service"];
export type MappedField = Schemas["MappedField"];
export type SavedMapping = Schemas["SavedMapping"];
export type NewMapping = Schemas["NewMapping"];
export type MappingTrial = Schemas["MappingTrial"];
export type MappingPreview = Schemas["MappingPreview"];
export type ApiToken = Schemas["ApiToken"];
export type NewUser = Schemas["NewUser"];
export type NewApiToken = Schemas["MadeToken"];
export type AuditLog = Schemas["AuditLog"];
export type TrendDay = Schemas["TrendDay"];
export type Stats = Schemas["Stats"];
export type AssetType = Schemas["AssetType"];
export type Exposure = Schemas["Exposure"];
export type Environment = Schemas["Environment"];
export type Matcher = Schemas["Matcher"];
export type Rule = Schemas["Rule"];
export type NewRule = Schemas["NewRule"];
export type SlaPolicy = Schemas["SlaPolicy"];
export type NewSlaPolicy = Schemas["NewSlaPolicy"];
export type PolicyPreview = Schemas["PolicyPreview"];
export type PolicyEffect = Schemas["PolicyEffect"];
export type Origin = Schemas["Origin"];
export type OriginKind = Schemas["OriginKind"];
export type Trace = Schemas["Trace"];
export type Facets = Schemas["FacetPage"];
export type BulkResult = Schemas["BulkReport"];
export type Health = Schemas["Health"];

/** Numbers by severity, and their sum. */
export type SeverityCounts = Schemas["SeverityCounts"];

/** A page of rows. They are whole as long as nobody asks for single fields. */
export type Page<T> = Omit<Schemas["Page_Finding"], "items"> & { items: T[] };

/** A merge patch (RFC 7396): `null` removes the field. */
type Merge<T> = { [K in keyof T]: T[K] | null };
export type FindingPatch = Merge<Schemas["FindingPatch"]>;
export type DecisionPatch = Merge<Schemas["DecisionPatch"]>;
export type RulePatch = Merge<Schemas["RulePatch"]>;
export type SlaPolicyPatch = Merge<Schemas["SlaPolicyPatch"]>;
