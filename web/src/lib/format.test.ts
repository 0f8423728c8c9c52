import { describe, expect, it } from "vitest";
import { ago, bytes, compact, curl, cvss, dayOfDue, dueFromDay, duration, percent, plural, spaced, webAddress } from "./format.ts";

describe("format", () => {
  it("counts", () => {
    expect(plural(1, "finding")).toBe("1 finding");
    expect(plural(1234, "finding")).toBe("1,234 findings");
    expect(plural(0, "vulnerability", "vulnerabilities")).toBe("0 vulnerabilities");
    expect(compact(9999)).toBe("9,999");
    expect(compact(12_345)).toBe("12.3K");
  });

  it("leaves no gap for a part that is not known", () => {
    expect(spaced("trivy", "0.58.1")).toBe("trivy 0.58.1");
    expect(`${spaced("trivy", undefined)}, 3 h ago`).toBe("trivy, 3 h ago");
    expect(spaced("trivy", " ", "")).toBe("trivy");
    expect(spaced(undefined, "9")).toBe("9");
    expect(spaced()).toBe("");
  });

  it("never rounds a small chance down to nothing", () => {
    expect(percent(0.00001)).toBe("< 0.1 %");
    expect(percent(0)).toBe("0 %");
    expect(percent(0.0523)).toBe("5.2 %");
    expect(percent(0.973)).toBe("97 %");
    expect(percent(undefined)).toBe("–");
  });

  it("writes scores, sizes and waiting times", () => {
    expect(cvss(9)).toBe("9.0");
    expect(cvss(undefined)).toBe("–");
    expect(bytes(999)).toBe("999 B");
    expect(bytes(18_422)).toBe("18.4 kB");
    expect(bytes(250_000_000)).toBe("250 MB");
    expect(duration(45)).toBe("45 s");
    expect(duration(64.2)).toBe("1 min 05 s");
    expect(duration(-3)).toBe("0 s");
  });

  it("tells times relative to now, both ways", () => {
    const now = Date.parse("2026-08-12T12:00:00Z");
    expect(ago("2026-08-12T11:59:57Z", now)).toBe("just now");
    expect(ago("2026-08-12T11:15:00Z", now)).toBe("45 min ago");
    expect(ago("2026-08-10T11:00:00Z", now)).toBe("2 d ago");
    expect(ago("2024-06-12T12:00:00Z", now)).toBe("2 y ago");
    expect(ago("2026-08-12T15:00:00Z", now)).toBe("in 3 h");
    expect(ago("nonsense", now)).toBe("–");
    expect(ago(undefined, now)).toBe("–");
  });

  it("keeps due dates whole days", () => {
    expect(dayOfDue(dueFromDay("2026-09-01"))).toBe("2026-09-01");
    expect(dayOfDue(undefined)).toBe("");
  });

  it("lets only web addresses become links", () => {
    expect(webAddress("https://nvd.nist.gov/vuln/detail/CVE-2024-6387")).toBe("https://nvd.nist.gov/vuln/detail/CVE-2024-6387");
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "//evil.example", "not a link", ""]) {
      expect(webAddress(bad)).toBeUndefined();
    }
  });

  it("quotes addresses for the shell", () => {
    expect(curl("http://h:8080", "/api/v1/findings?search=it's")).toBe(
      `curl -sS -H "Authorization: Bearer $VULNZERO_TOKEN" 'http://h:8080/api/v1/findings?search=it'\\''s'`,
    );
  });
});
