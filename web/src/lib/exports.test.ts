import { describe, expect, it } from "vitest";
import { exportPath } from "./exports.ts";

describe("exports", () => {
  it("hold what the list shows, on all of its pages", () => {
    const query = { severity: ["high", "critical"], search: "a&b", sort: "-first_seen", page: 3, page_size: 50 };
    expect(exportPath("/findings", "sarif", query)).toBe(
      "/api/v1/findings/export?format=sarif&severity=high,critical&search=a%26b&sort=-first_seen",
    );
    expect(exportPath("/assets", "csv", {})).toBe("/api/v1/assets/export?format=csv");
  });
});
