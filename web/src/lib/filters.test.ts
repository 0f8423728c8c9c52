import { describe, expect, it } from "vitest";
import { queryString } from "../api/client.ts";
import {
  addressQuery, chips, conditions, formatRange, listQuery, literal, NO_FILTERS, parseFilters, parseRange, toggleSort,
} from "./filters.ts";

const parse = (search: string) => parseFilters(new URLSearchParams(search));
const round = (search: string) => queryString(addressQuery(parse(search)));

describe("filters and the address", () => {
  it("survive the way there and back", () => {
    const address =
      "severity=critical,high&status=open&is_open=true&search=open%20ssl&fix_available=true&kev=false&overdue=true&asset=web-1&asset_id=3" +
      "&cve_id=CVE-2024-6387&vulnerability_id=9&component=openssl&ecosystem=debian,npm&scanner=grype,trivy&decision_id=4&rule_id=5&sla_policy_id=6&assigned_to=jo" +
      "&priority_score=70..&sort=-first_seen&page=3&page_size=250";
    expect(round(address)).toBe(address);
  });

  it("leave out what is default", () => {
    expect(round("")).toBe("");
    expect(round("sort=-priority_score&page=1&page_size=100")).toBe("");
    expect(parse("")).toEqual(NO_FILTERS);
  });

  it("read repeated and comma-separated values alike, in one order", () => {
    expect(parse("severity=low&severity=critical").severity).toEqual(["critical", "low"]);
    expect(parse("severity=low,critical,low").severity).toEqual(["critical", "low"]);
  });

  it("ignore what makes no sense", () => {
    const f = parse("severity=terrible&status=&fix_available=maybe&sort=password&page=-2&page_size=99999&priority_score=x..y");
    expect(f).toEqual({ ...NO_FILTERS, page_size: 1000 });
  });
});

describe("ranges", () => {
  it("are open or closed", () => {
    expect(parseRange("70..")).toEqual({ min: 70 });
    expect(parseRange("..50")).toEqual({ max: 50 });
    expect(parseRange("20..40")).toEqual({ min: 20, max: 40 });
    expect(parseRange("42")).toEqual({ min: 42, max: 42 });
    expect(parseRange("")).toEqual({});
    expect(formatRange({ min: 0 })).toBe("0..");
    expect(formatRange({})).toBe("");
  });
});

describe("what the API is asked", () => {
  it("has order and page; a bulk filter has neither", () => {
    const f = parse("is_open=true&kev=true&page=2");
    expect(queryString(listQuery(f))).toBe("is_open=true&kev=true&sort=-priority_score&page=2&page_size=100");
    expect(queryString(conditions(f))).toBe("is_open=true&kev=true");
  });

  it("can mean a name with the filter's own signs in it", () => {
    expect(literal("web-1.prod")).toBe("web-1.prod");
    expect(literal("a,b*c\\d")).toBe("a\\,b\\*c\\\\d");
  });
});

describe("chips", () => {
  it("take away exactly their own condition", () => {
    const f = parse("severity=critical,high&fix_available=false&search=ssl&priority_score=70..");
    const labels = chips(f).map((chip) => chip.label);
    expect(labels).toEqual(["Critical", "High", "No fix", "Priority 70–", "Search: ssl"]);
    for (const chip of chips(f)) expect(chips({ ...f, ...chip.without }).map((c) => c.label)).toEqual(labels.filter((l) => l !== chip.label));
  });
});

describe("toggleSort", () => {
  it("turns the current column round, and starts others at their natural end", () => {
    expect(toggleSort("-severity", "severity", true)).toBe("severity");
    expect(toggleSort("severity", "severity", true)).toBe("-severity");
    expect(toggleSort("-severity", "component", false)).toBe("component");
    expect(toggleSort("component", "first_seen", true)).toBe("-first_seen");
  });
});
