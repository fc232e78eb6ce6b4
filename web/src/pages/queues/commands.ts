// The command lines that do what can be done with queues and what waits in them. No I/O.
import type { Command } from "../../ui/Commands";
import { quoted } from "../tasks/parameters";

const because = (why: string): string => (why ? ` -m ${quoted(why)}` : "");

export const createQueue = (name: string): string =>
  `taskyard queue create ${quoted(name || "NAME")}`;
export const pauseQueue = (queue: string, why: string): string =>
  `taskyard queue pause ${quoted(queue)}${because(why)}`;
export const renameQueue = (queue: string, name: string): string =>
  `taskyard queue rename ${quoted(queue)} ${quoted(name || "NAME")}`;
export const clearQueue = (queue: string): string => `taskyard queue clear ${quoted(queue)} -y`;
export const deleteQueue = (queue: string): string => `taskyard queue delete ${quoted(queue)} -y`;
export const serveQueue = (queue: string): string =>
  `taskyard agent daemon --queue ${quoted(queue)}`;

export const ofQueue = (queue: string): Command[] => [
  ["See what waits", `taskyard queue show ${quoted(queue)}`],
  ["Put a task on it", `taskyard submit --queue ${quoted(queue)} train.py`],
  ["Start a worker for it", serveQueue(queue)],
  ["Pause it", pauseQueue(queue, "why")],
  ["Resume it", `taskyard queue resume ${quoted(queue)}`],
  ["Rename it", renameQueue(queue, "")],
  ["Clear it", clearQueue(queue)],
  ["Delete it", deleteQueue(queue)],
];

const moving = (ids: string[]): string => `taskyard move ${ids.join(" ")}`;
export const moveToPlace = (ids: string[], place: string): string => `${moving(ids)} --to ${place}`;
export const moveToQueue = (ids: string[], queue: string): string =>
  `${moving(ids)} --queue ${quoted(queue)}`;

const steps = (ids: string[]): Command[] => [
  ["One up", `${moving(ids)} --up 1`],
  ["One down", `${moving(ids)} --down 1`],
];

/** What can be done with tasks that wait, given in their order. */
export const ofTasks = (ids: string[]): Command[] => [
  ["To the top", `${moving(ids)} --top`],
  ["To the bottom", `${moving(ids)} --bottom`],
  // The command takes one step with each of them, one after the other.
  ...(ids.length > 1 ? [] : steps(ids)),
  ["To a place", moveToPlace(ids, "PLACE")],
  ["Before another task", `${moving(ids)} --before TASK`],
  ["To another queue", `${moving(ids)} --queue QUEUE`],
  ["Take off the queue", `taskyard dequeue ${ids.join(" ")}`],
];
