/** The published JSON schemas: which files they are, and from which types each is made. */

/** Where the files lie. */
export const SCHEMA_FOLDER = "packaging/schema";

/** Documents that are described together. */
export interface Bundle {
  /** `urn:nvme-stas:output:2`. */
  readonly id: string;
  readonly title: string;
  /** Files of the types, those that others refer to included. */
  readonly sources: readonly string[];
  /** Names of documents, each with its type; undefined: the members of {@link V2Output}, each by its `output`. */
  readonly documents: Readonly<Record<string, string>> | undefined;
}

const V1 = "src/lib/dbus/v1_types.ts";
const TID = "src/lib/nvme/tid.ts";

export const BUNDLES: Readonly<Record<string, Bundle>> = {
  "bus-1.json": {
    id: "urn:nvme-stas:bus:1",
    title: "Answers and events of org.nvmexpress.staf.v1 and org.nvmexpress.stac.v1",
    sources: [V1, TID, "src/lib/ports.ts", "src/lib/dbus/v1_pages.ts"],
    documents: {
      state: "V1State",
      plan: "V1Plan",
      explain: "V1Explanation",
      health: "V1Health",
      drain: "V1DrainAnswer",
      forget: "V1ForgetAnswer",
      report: "V1ReportBegun",
      renew: "V1RenewAnswer",
      pages: "V1StafdReport",
      page: "V1PageTexts",
      "page-entries": "V1PageEntries",
      event: "V1Event",
    },
  },
  "output-1.json": {
    id: "urn:nvme-stas:output:1",
    title: "JSON of stafctl and stacctl, schema 1",
    sources: [V1, TID, "src/ctl/v1_outputs.ts"],
    documents: {
      status: "V1Status",
      ls: "V1List",
      "ls-line": "V1Controller",
      tree: "V1Subsystems",
      "tree-dcs": "V1Tree",
      dlp: "V1Page",
      "dlp-line": "V1Entry",
      adlp: "V1Pages",
      "adlp-line": "V1PageOfDc",
      explain: "V1Explanation",
      plan: "V1PlanEffects",
      "plan-line": "V1Change",
      check: "V1Check",
      health: "V1HealthLine",
      "health-unreachable": "V1Unreachable",
      doctor: "V1Doctor",
      event: "V1Event",
    },
  },
  "output-2.json": {
    id: "urn:nvme-stas:output:2",
    title: "JSON of stafctl and stacctl, schema 2",
    sources: [V1, TID, "src/ctl/v2_types.ts", "src/ctl/v2_acts.ts"],
    documents: undefined,
  },
};
