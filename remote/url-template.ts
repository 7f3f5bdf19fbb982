/** URLs in which `{address}`, `{sector}`, `{cluster}` and `{agent}` stand for an agent's own. */

const PLACES = /\{(address|sector|cluster|agent)\}/g;

/** Whether agents have each their own URL. */
export function isTemplate(url: string): boolean {
  return url.search(PLACES) >= 0;
}

/** The URL of the agent at `address`. */
export function addressed(template: string, address: string): string {
  const numbers = /^sector-(\d+)\/cluster-(\d+)\/agent-(\d+)$/.exec(address) ?? [];
  const [, sector = "", cluster = "", agent = ""] = numbers;
  const places: Readonly<Record<string, string>> = { address, sector, cluster, agent };
  return template.replaceAll(PLACES, (_whole, place: string) => places[place]);
}
