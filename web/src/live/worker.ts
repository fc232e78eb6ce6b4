// The shared worker: all tabs of this server live on its one connection. A browser opens only six
// to one server, so a connection for each tab would leave none for the seventh.
import { type News, startStream, type Wish } from "./stream";

declare const self: SharedWorkerGlobalScope;
interface SharedWorkerGlobalScope {
  location: Location;
  onconnect: ((event: MessageEvent) => void) | null;
}

interface Tab {
  port: MessagePort;
  topics: string[];
  heard: number;
}

/** Tabs that say nothing for this long are gone: hidden ones may speak only once a minute. */
const SILENCE = 200_000;

// The worker lies in assets/ below the page's own address; its sources in src/live/.
const base = new URL(import.meta.env.DEV ? "/" : "..", self.location.href).pathname;
const tabs = new Set<Tab>();
let last: News | null = null;

const stream = startStream(base, (news) => {
  if (news.kind === "link") last = news;
  for (const tab of tabs) tab.port.postMessage(news);
});

function refollow(): void {
  for (const tab of tabs) if (Date.now() - tab.heard > SILENCE) tabs.delete(tab);
  if (tabs.size) stream.follow(new Set([...tabs].flatMap((tab) => tab.topics)));
  else stream.close();
}

self.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  const tab: Tab = { port, topics: [], heard: Date.now() };
  port.onmessage = ({ data }: MessageEvent<Wish>) => {
    tab.heard = Date.now();
    if (data.kind === "bye") tabs.delete(tab);
    else tabs.add(tab);
    if (data.kind === "follow") tab.topics = data.topics;
    if (data.kind === "again") stream.again();
    else refollow();
  };
  tabs.add(tab);
  if (last) port.postMessage(last);
};
