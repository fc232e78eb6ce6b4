import { describe, expect, it } from "vitest";
import { heightOf, parseSpan, spanText, toLine, toTop } from "./places";

describe("places of lines", () => {
  it("are pixels where there are few", () => {
    expect(toLine(180, 1000, 18, 600)).toBe(10);
    expect(toTop(10, 1000, 18, 600)).toBe(180);
  });
  it("reach from the first to the last line of millions", () => {
    const total = 5_000_000;
    expect(toLine(0, total, 18, 600)).toBe(0);
    const bottom = heightOf(total, 18) - 600;
    expect(toLine(bottom, total, 18, 600)).toBeCloseTo(total - 600 / 18);
    expect(toLine(toTop(1_234_567, total, 18, 600), total, 18, 600)).toBeCloseTo(1_234_567);
  });
});

describe("lines of an address", () => {
  it("are one or a span", () => {
    expect(parseSpan("L120")).toEqual({ first: 119, last: 119 });
    expect(parseSpan("L140-L120")).toEqual({ first: 119, last: 139 });
    expect(spanText({ first: 119, last: 139 })).toBe("L120-L140");
  });
  it("are none where it names none", () => {
    expect(parseSpan("")).toBeNull();
    expect(parseSpan("L0")).toBeNull();
    expect(parseSpan("Lx")).toBeNull();
  });
});
