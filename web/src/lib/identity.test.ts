import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Asset, AssetMove, IdentityRule } from "../api/types.ts";
import { isNewTwin, joinWords, matchedWords, partWords, RULE_KINDS, sameRules, unused, usedWords } from "./identity.ts";

const rules: IdentityRule[] = [{ kind: "fqdn", enabled: true }, { kind: "ip", enabled: false }];
const asset = (name: string, total: number) => ({ name, open_findings: { total } }) as Asset;

describe("identity rules", () => {
  it("can be about every kind that the server knows but the name", () => {
    const document = JSON.parse(readFileSync("openapi.json", "utf8")) as { components: { schemas: { IdentifierKind: { enum: string[] } } } };
    expect(["name", ...RULE_KINDS].toSorted()).toEqual(document.components.schemas.IdentifierKind.enum.toSorted());
  });

  it("say which kinds are left, and which are in use", () => {
    expect(unused(rules)).not.toContain("ip");
    expect(unused(rules)).toContain("mac");
    expect(usedWords(rules)).toBe("Domain name");
  });

  it("differ by order and by use", () => {
    expect(sameRules(rules, structuredClone(rules))).toBe(true);
    expect(sameRules(rules, rules.toReversed())).toBe(false);
    expect(sameRules(rules, [rules[0] as IdentityRule, { kind: "ip", enabled: true }])).toBe(false);
    expect(sameRules(rules, rules.slice(1))).toBe(false);
  });

  it("tell what only the new ones find", () => {
    expect(isNewTwin({ kind: "fqdn", value: "a", assets: [1, 2] }, rules)).toBe(false);
    expect(isNewTwin({ kind: "ip", value: "a", assets: [1, 2] }, rules)).toBe(true);
  });
});

it("says why a name is an asset's", () => {
  expect(matchedWords(undefined)).toBeUndefined();
  expect(matchedWords("joined")).toBe("joined by hand");
  expect(matchedWords("fqdn")).toBe("recognised by domain name");
  expect(matchedWords("ip")).toBe("recognised by IP address");
});

it("says what joining and parting would do", () => {
  const move: AssetMove = { asset: asset("web", 7), findings: 1200 };
  expect(joinWords(move)).toBe("1,200 findings would go along; web would have 7 open.");
  expect(partWords({ ...move, parted: asset("old", 3) })).toBe("1,200 findings would go to old, 3 open; web would have 7 open.");
  expect(partWords({ ...move, findings: 0, parted: asset("old", 0) })).toBe("0 findings would go to old; web would have 7 open.");
});
