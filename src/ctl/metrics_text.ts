/** Prometheus' text format (version 0.0.4, UTF-8). */

export type Labels = Readonly<Record<string, string>>;
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Strings from the fabric are labels: quotes, backslashes and line ends must not break out of them. */
const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

export const head = (name: string, help: string, type: "gauge" | "histogram" | "counter"): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

export const line = (name: string, { labels, value }: Sample): string =>
  `${name}{${Object.entries(labels).map(([key, text]) => `${key}=${quoted(text)}`).join(",")}} ${value}\n`;

export function family(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  return head(name, help, "gauge") + samples.map((sample) => line(name, sample)).join("");
}

export const counterFamily = (name: string, help: string, samples: readonly Sample[]): string =>
  samples.length === 0
    ? ""
    : head(name, help, "counter") + samples.map((sample) => line(name, sample)).join("");
