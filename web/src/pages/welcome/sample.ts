// The sample: a script that needs nothing but Python, and reports as the API allows anybody to.
import type { Ask } from "../../api/client";

const SCRIPT = `"""A training that is none: prints a falling loss, and reports it."""
import argparse
import base64
import json
import math
import os
import time
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=24)
args = parser.parse_args()


def report(step, loss):
    event = {
        "type": "training_stats_scalar",
        "task": os.environ["CLEARML_TASK_ID"],
        "metric": "loss",
        "variant": "train",
        "iter": step,
        "value": loss,
        "timestamp": int(time.time() * 1000),
    }
    keys = os.environ["CLEARML_API_ACCESS_KEY"] + ":" + os.environ["CLEARML_API_SECRET_KEY"]
    headers = {
        "Authorization": "Basic " + base64.b64encode(keys.encode()).decode(),
        "Content-Type": "application/json",
    }
    address = os.environ["CLEARML_API_HOST"] + "/events.add"
    request = urllib.request.Request(address, json.dumps(event).encode(), headers)
    urllib.request.urlopen(request, timeout=10).close()


for step in range(1, args.steps + 1):
    loss = math.exp(-args.lr * step) + 0.05 * math.sin(step) ** 2 / step
    print(f"step {step:3d}/{args.steps}  loss {loss:.4f}", flush=True)
    report(step, loss)
    time.sleep(0.5)
print("done: clone this task, change lr, and compare")
`;

/** A patch that makes one file out of nothing. */
export function patchOf(name: string, text: string): string {
  const lines = text.replace(/\n$/, "").split("\n");
  return [
    `diff --git a/${name} b/${name}`,
    "new file mode 100644",
    "--- /dev/null",
    `+++ b/${name}`,
    `@@ -0,0 +1,${lines.length} @@`,
    ...lines.map((line) => `+${line}`),
    "",
  ].join("\n");
}

export function sampleTask(): Ask<"tasks.create"> {
  const parameter = (name: string, value: string) => ({ section: "Args", name, value });
  return {
    name: "sample",
    type: "training",
    script: {
      binary: "python3",
      entry_point: "sample.py",
      working_dir: ".",
      diff: patchOf("sample.py", SCRIPT),
      arguments: ["--lr", "${Args/lr}", "--steps", "${Args/steps}"],
    },
    hyperparams: { Args: { lr: parameter("lr", "0.1"), steps: parameter("steps", "24") } },
  } as unknown as Ask<"tasks.create">;
}
