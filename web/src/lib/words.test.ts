import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { MAPPED_FIELDS, SEVERITIES, severityColor } from "./words.ts";

it("has a colour of its own for every severity", () => {
  const tokens = readFileSync("src/styles/tokens.css", "utf8");
  const colours = SEVERITIES.map((severity) => {
    const token = /^var\((--[a-z-]+)\)$/.exec(severityColor(severity))?.[1] ?? "none";
    return new RegExp(`^ *${token}: (light-dark\\(.+\\));$`, "m").exec(tokens)?.[1];
  });
  expect(colours).not.toContain(undefined);
  expect(new Set(colours).size).toBe(SEVERITIES.length);
});

it("offers every meaning of a column that the server knows", () => {
  const document = JSON.parse(readFileSync("openapi.json", "utf8")) as { components: { schemas: { MappedField: { enum: string[] } } } };
  expect(MAPPED_FIELDS.toSorted()).toEqual(document.components.schemas.MappedField.enum.toSorted());
});
