// The shapes of what lists answer with: only what pages look at.

export interface Named {
  id: string;
  name?: string;
}

export type TaskStatus =
  | "created"
  | "queued"
  | "in_progress"
  | "stopped"
  | "failed"
  | "completed"
  | "closed"
  | "publishing"
  | "published"
  | "unknown";

export interface Parameter {
  section: string;
  name: string;
  value: string;
  type?: string;
  description?: string;
}

export interface Metric {
  metric: string;
  variant: string;
  value: number;
  min_value?: number;
  max_value?: number;
}

/** Times are ISO 8601. */
export interface Task {
  id: string;
  name: string;
  type?: string;
  status: TaskStatus;
  status_reason?: string;
  status_message?: string;
  status_changed?: string;
  created?: string;
  started?: string;
  completed?: string;
  last_update?: string;
  last_worker?: string;
  last_iteration?: number;
  active_duration?: number;
  comment?: string;
  tags?: string[];
  system_tags?: string[];
  parent?: Named;
  project?: Named;
  user?: Named;
  execution?: { queue?: Named; artifacts?: Artifact[]; parameters?: Record<string, string> };
  script?: {
    repository?: string;
    branch?: string;
    version_num?: string;
    tag?: string;
    entry_point?: string;
    working_dir?: string;
    binary?: string;
    diff?: string;
    requirements?: { pip?: string; conda?: string; org_pip?: string };
  };
  container?: { image?: string; arguments?: string; setup_shell_script?: string };
  hyperparams?: Record<string, Record<string, Parameter>>;
  configuration?: Record<string, { name: string; value: string; type?: string }>;
  runtime?: Record<string, unknown>;
  last_metrics?: Record<string, Record<string, Metric>>;
  models?: { input?: object[]; output?: object[] };
}

export interface Artifact {
  key: string;
  type?: string;
  uri?: string;
  content_size?: number;
  timestamp?: number;
  type_data?: { preview?: string; content_type?: string };
}

export interface Entry {
  task: Named;
  added: string;
}

export interface Queue {
  id: string;
  name: string;
  display_name?: string;
  tags?: string[];
  system_tags?: string[];
  created?: string;
  last_update?: string;
  paused?: boolean;
  pause?: { reason: string; by: string; by_name?: string; since: string };
  /** How many wait, however many entries are told. */
  waiting?: number;
  /** When the one came that waits longest. */
  oldest?: string | null;
  entries?: Entry[];
  workers?: {
    name: string;
    ip?: string;
    key: string;
    task?: Named;
    last_activity_time?: string;
  }[];
}

export interface Worker {
  id: string;
  key: string;
  ip?: string;
  user?: Named;
  register_time?: string;
  register_timeout?: number;
  last_activity_time?: string;
  last_report_time?: string;
  tags?: string[];
  system_tags?: string[];
  queues?: (Named & { num_tasks?: number })[];
  queue?: Named;
  task?: Named & { running_time?: number; last_iteration?: number };
  project?: Named;
  /** What it was told to do, by whom (a user's id), and why. */
  order?: {
    kind: "pause" | "drain" | "stop";
    reason?: string;
    by?: string;
    by_name?: string;
    since?: string;
  };
  /** Why it takes no tasks of itself. */
  unfit?: string;
  /** What its machine has; memory in MiB. Agents of other makers may not tell. */
  resources?: { host?: string; cpus?: number; memory?: number; gpus?: Gpu[] };
}

export interface Gpu {
  id: string;
  index: number;
  name: string;
  /** MiB. */
  memory: number;
}

/** Times of phases are seconds since the epoch. */
export interface Phase {
  name: string;
  started: number;
  ended?: number;
}

export interface Attempt {
  task: string;
  attempt: number;
  worker: string;
  state: string;
  taken?: string;
  started?: string;
  ended?: string;
  queue?: string;
  cause?: string;
  hint?: string;
  message?: string;
  phases?: Phase[];
}

export interface User {
  id: string;
  name: string;
  username?: string;
  role?: string;
  created?: string;
  preferences?: Record<string, unknown>;
}
