import type { PageProps } from "../../routes";
import { user } from "../../session";
import { Page } from "../../shell";
import { density, setDensity, setTheme, theme } from "../../ui/display";
import { Card, Segmented, Tabs } from "../../ui/parts";

const TABS = [{ key: "profile", word: "Profile" }];

export default function Settings({ params }: PageProps) {
  return (
    <Page
      title="Settings"
      under={
        <Tabs
          label="Settings"
          tabs={TABS}
          chosen={params.tab ?? "profile"}
          to={(key) => `/settings/${key}`}
        />
      }
    >
      <Card title={user.value?.name}>
        <dl class="facts card-body">
          <dt>Colours</dt>
          <dd>
            <Segmented
              label="Colours"
              chosen={theme.value}
              onChoose={setTheme}
              choices={[
                ["light", "Light"],
                ["dark", "Dark"],
                ["system", "As the system"],
              ]}
            />
          </dd>
          <dt>Rows</dt>
          <dd>
            <Segmented
              label="Rows"
              chosen={density.value}
              onChoose={setDensity}
              choices={[
                ["normal", "Normal"],
                ["compact", "Compact"],
              ]}
            />
          </dd>
        </dl>
      </Card>
    </Page>
  );
}
