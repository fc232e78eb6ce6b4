import "./settings.css";
import type { ComponentType } from "preact";
import type { PageProps } from "../../page-props";
import { isAdmin } from "../../session";
import { Page } from "../../shell";
import { EmptyState, Tabs } from "../../ui/parts";
import { Keys } from "./Keys";
import { Profile } from "./Profile";
import { Server } from "./Server";
import { Users } from "./Users";

interface Tab {
  key: string;
  word: string;
  show: ComponentType;
  admin?: boolean;
}

const TABS: Tab[] = [
  { key: "profile", word: "Profile", show: Profile },
  { key: "keys", word: "Keys", show: Keys },
  { key: "users", word: "Users", show: Users, admin: true },
  { key: "server", word: "Server", show: Server },
];

export default function Settings({ params }: PageProps) {
  const tabs = TABS.filter(({ admin }) => !admin || isAdmin());
  const key = params.tab ?? "profile";
  const Shown = tabs.find((tab) => tab.key === key)?.show;
  return (
    <Page
      title="Settings"
      under={<Tabs label="Settings" tabs={tabs} chosen={key} to={(tab) => `/settings/${tab}`} />}
    >
      {Shown ? (
        <Shown />
      ) : (
        <EmptyState title="Not for you to see">
          <p>Only administrators manage users. Ask one of them.</p>
        </EmptyState>
      )}
    </Page>
  );
}
