import { describe, expect, it } from "vitest";
import { lastWritten, pieces, plain } from "./ansi";

describe("lines of a terminal", () => {
  it("are one plain piece without escapes", () => {
    expect(pieces("epoch 1")).toEqual([{ text: "epoch 1", look: "" }]);
  });
  it("have colours until they are taken back", () => {
    expect(pieces("\x1b[31mbad\x1b[0m good")).toEqual([
      { text: "bad", look: "a1" },
      { text: " good", look: "" },
    ]);
  });
  it("have bright and bold text on a ground", () => {
    expect(pieces("\x1b[1;92;41mok")).toEqual([{ text: "ok", look: "a10 b1 bold" }]);
  });
  it("have the nearest of sixteen for other colours", () => {
    expect(pieces("\x1b[38;5;196mred")[0]?.look).toBe("a9");
    expect(pieces("\x1b[38;2;0;0;90mblue")[0]?.look).toBe("a4");
  });
  it("lose what moves a cursor or names a window", () => {
    expect(plain("\x1b[2K\x1b]0;title\x07a\x1b[1Ab\x07")).toBe("ab");
  });
  it("show what was written last over itself", () => {
    expect(lastWritten("10%\r50%\r100%")).toBe("100%");
    expect(lastWritten("10%\r50%\r")).toBe("50%");
  });
});
