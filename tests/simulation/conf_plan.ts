/** A configuration file that faults can edit. */
export class ConfPlan {
  readonly controllers: string[] = [];
  readonly excludes: string[] = [];
  readonly #options = new Map<string, Map<string, string>>();

  set(section: string, option: string, value: string): void {
    const options = this.#options.get(section) ?? new Map<string, string>();
    options.set(option, value);
    this.#options.set(section, options);
  }

  get text(): string {
    const lines: string[] = [];
    for (const [section, options] of this.#options) {
      lines.push(`[${section}]`, ...[...options].map(([option, value]) => `${option} = ${value}`), "");
    }
    lines.push(
      "[Controllers]",
      ...this.controllers.map((controller) => `controller = ${controller}`),
      ...this.excludes.map((exclude) => `exclude = ${exclude}`),
      "",
    );
    return lines.join("\n");
  }
}
