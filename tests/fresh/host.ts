/** What a tree takes over from this machine, so that its package managers reach what this one's reach. */
import { capture, collect } from "../../scripts/run.ts";

/** Of apt's settings those about getting packages; what is listed besides differs between versions of apt. */
const APT_SETTING = /^Acquire::(?!IndexTargets|CompressionTypes|Languages|Changelogs|cdrom)[^ ]+ "[^"]+";$/;
/** Variables that say through which proxy, and by which certificates. */
const VARIABLE =
  /^(?:(?:https?|ftp|all|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(?:FILE|DIR)|DENO_(?:CERT|TLS_CA_STORE)|NVME_STAS_DENORT)$/i;
/** npm's settings of that kind; none of them is a secret. */
const NPM_SETTINGS = ["registry", "cafile", "proxy", "https-proxy", "noproxy", "strict-ssl"];
/** Certificates and name resolution, where they are. */
export const HOST_PATHS = [
  "/etc/ssl/certs",
  "/usr/local/share/ca-certificates",
  "/etc/resolv.conf",
  "/etc/hosts",
];

export function aptSettings(dump: string): string {
  return dump.split("\n").filter((line) => APT_SETTING.test(line)).map((line) => `${line}\n`).join("");
}

/** This machine's settings for apt, as text of a file in apt.conf.d. */
export async function hostAptSettings(): Promise<string> {
  return aptSettings(await capture(["apt-config", "dump"]));
}

/** Where this machine gets Debian's packages; undefined where it has none of Debian's. */
export async function hostMirror(): Promise<string | undefined> {
  const targets = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(COMPONENT) $(REPO_URI)"];
  const { stdout } = await collect([...targets, "Created-By: Packages"]);
  return /^Debian main (?!\S*security)(\S+)$/m.exec(stdout)?.[1];
}

export function passedOn(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => VARIABLE.test(name)));
}

/** Variables for everything that runs in a tree. */
export async function hostVariables(): Promise<Record<string, string>> {
  const variables = passedOn(Deno.env.toObject());
  for (const setting of NPM_SETTINGS) {
    const value = (await capture(["npm", "config", "get", setting])).trim();
    if (value !== "" && value !== "null" && value !== "undefined") {
      variables[`npm_config_${setting.replaceAll("-", "_")}`] = value;
    }
  }
  return variables;
}
