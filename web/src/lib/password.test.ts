import { describe, expect, it } from "vitest";
import { strength } from "./password.ts";

describe("strength", () => {
  it("says how much is missing", () => {
    expect(strength("")).toMatchObject({ level: 0, hint: "At least 10 characters." });
    expect(strength("abc")).toMatchObject({ level: 0, hint: "7 more to go." });
  });

  it("sees through the usual tricks", () => {
    for (const weak of ["aaaaaaaaaaaa", "1234567890", "Password123!", "qwertzuiop1"]) expect(strength(weak).level).toBe(1);
    expect(strength("mara-was-here", "mara").level).toBe(1);
  });

  it("rewards length and variety", () => {
    expect(strength("correct horse battery staple").level).toBe(4);
    expect(strength("brown-lamp7").level).toBeGreaterThan(1);
  });
});
