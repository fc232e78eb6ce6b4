// The command lines that do what can be done with workers. No I/O.
import type { Command } from "../../ui/Commands";
import { quoted } from "../tasks/parameters";

export const orderCommand = (order: string, worker: string, why: string): string =>
  `taskyard worker ${order} ${quoted(worker)}${why ? ` -m ${quoted(why)}` : ""}`;

export const ofWorker = (worker: string): Command[] => [
  ["Have it take nothing more until resumed", orderCommand("pause", worker, "why")],
  ["Have it take tasks again", orderCommand("resume", worker, "")],
  ["Have it finish what it runs and leave", orderCommand("drain", worker, "why")],
  ["Have it end what it runs and leave", orderCommand("stop", worker, "why")],
  ["See all workers", "taskyard worker ls"],
];
