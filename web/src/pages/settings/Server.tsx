import { Fragment } from "preact";
import { useLive } from "../../live/store";
import { isAdmin } from "../../session";
import { bytes, count, duration } from "../../ui/format";
import { href } from "../../base";
import { Card, Nothing, Skeleton } from "../../ui/parts";

const SIZES = new Set(["max_request", "max_upload"]);
const SPANS = new Set(["token_lifetime", "worker_retention", "task_silence"]);

export function Server() {
  const info = useLive("server.info", {}, []).data.value;
  if (!info) return <Skeleton />;
  return (
    <div class="settings">
      <Card title="This server">
        <dl class="facts card-body">
          <dt>Version</dt>
          <dd>{info.product_version}</dd>
          <dt>Protocol</dt>
          <dd>{info.api_version}</dd>
          <dt>Installation</dt>
          <dd class="mono">{info.uid}</dd>
          <dt>More</dt>
          <dd>
            <a href={href("/reference")}>API reference</a> ·{" "}
            <a href={href("/openapi.json")}>OpenAPI</a> · <a href={href("/metrics")}>Metrics</a> ·{" "}
            <a href={href("/healthz")}>Health</a>
          </dd>
        </dl>
      </Card>
      {isAdmin() && <Kept />}
      {isAdmin() && <Configuration />}
    </div>
  );
}

function Kept() {
  const stats = useLive("server.get_stats", {}, []).data.value as
    Record<string, number> | undefined;
  const shown = ["tasks", "projects", "models", "queues", "users"];
  return (
    <Card title="It keeps">
      <dl class="facts card-body">
        {shown.map((name) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd class="num">{stats?.[name] === undefined ? "" : count(stats[name])}</dd>
          </Fragment>
        ))}
      </dl>
    </Card>
  );
}

function Configuration() {
  const settings = useLive("server.config", {}, []).data.value;
  if (!settings) return <Skeleton />;
  return (
    <Card title="Settings" note="changed by flags, environment or file, at a start">
      <dl class="facts card-body">
        {Object.entries(settings).map(([name, value]) => (
          <Fragment key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{shownSetting(name, value) || <Nothing />}</dd>
          </Fragment>
        ))}
      </dl>
    </Card>
  );
}

function shownSetting(name: string, value: unknown): string {
  if (typeof value === "number" && SIZES.has(name)) return value ? bytes(value) : "no limit";
  if (typeof value === "number" && SPANS.has(name)) return duration(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
