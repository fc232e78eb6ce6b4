import { describe, expect, it, vi } from "vitest";
import { Lines } from "./lines";

const asked: ((answer: unknown) => void)[] = [];
vi.mock("../../../api/client", () => ({
  call: () => new Promise((answer) => asked.push(answer)),
}));

const told = (...texts: string[]) => ({
  lines: texts.map((text, line) => ({ line, text, timestamp: 0, worker: "" })),
  total: texts.length,
  attempts: [],
});
const settled = () => new Promise((done) => setTimeout(done));

async function opened(...texts: string[]): Promise<Lines> {
  asked.length = 0;
  const lines = new Lines("t");
  void lines.refresh();
  asked[0]?.(told(...texts));
  await settled();
  return lines;
}

describe("the lines of a console", () => {
  it("take no answer back that another one overtook", async () => {
    const lines = await opened("so", "far");
    void lines.refresh();
    lines.want(0, 2);
    void lines.refresh();
    const [, early, , late] = [...asked, undefined];
    early?.(told("so", "farther", "still"));
    asked.at(-1)?.(told("so", "far"));
    await settled();
    late?.(told());
    expect([lines.at(1)?.text, lines.total.value]).toEqual(["farther", 3]);
  });
});
