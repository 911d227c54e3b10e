/** Invalid security options of a `controller=` entry: no connection is made without them (S15). */
import { type ConnectOptionsDraft, setConnectOption } from "./connect_option.ts";
import { CONNECT_OPTIONS } from "../nvme/option_table.ts";
import { isSensitive, looksLikeSecret, redacted, shown } from "./redact.ts";
import { isReference } from "./key_source.ts";
import { remedyFor, securityMeant, type SecurityOption, securityWithin } from "./security_names.ts";
import { shownValue, type Token, type Tokens } from "./token.ts";

export interface Unread {
  readonly token: Token;
  /** The position of the value, if the value is wrong. */
  readonly at: "name" | "value";
  readonly option: SecurityOption;
  /** The error, and the correct form. */
  readonly what: string;
}

/** The option that a token without `=` means: `tls`, `--tls`, `tls: true`, or a key by itself. */
export function bareSecurity({ key }: Token): SecurityOption | undefined {
  const [first = ""] = key.split(/[=:,\s]/, 1);
  return securityMeant(key) ?? securityMeant(first) ?? securityWithin(key);
}

/** In the order of the entry. `known` are the keys that such an entry has. */
export function unreadSecurity(tokens: Tokens, known: readonly string[]): readonly Unread[] {
  const found: Unread[] = [];
  for (const token of tokens.bare) {
    const option = bareSecurity(token);
    if (option === undefined) continue;
    const what = isSensitive(token.key) && !isPlainName(token.key) ? "a part of the entry" : shown(token.key);
    found.push({ token, at: "name", option, what: `${what} has no value; ${remedyFor(option)}` });
  }
  for (const token of tokens.all) {
    const unread = known.includes(token.key) ? badValue(token) : badName(token);
    if (unread !== undefined) found.push(unread);
  }
  return found.toSorted((a, b) => a.token.at.column - b.token.at.column);
}

const isPlainName = (text: string): boolean => !looksLikeSecret(text) && /^[\p{Pd}\w]+$/u.test(text);

function badName(token: Token): Unread | undefined {
  const meant = securityMeant(token.key);
  const secret = looksLikeSecret(token.value) ? securityMeant(token.value) ?? "dhchap-secret" : undefined;
  const option = meant ?? secret ?? securityWithin(token.value);
  if (option === undefined) return undefined;
  const name = shown(token.key);
  const value = shown(`${redacted(token.key)}=${shownValue(token)}`);
  const what = meant === undefined
    ? `${name} is not an option, but its value asks for ${option}`
    : `${value}: ${name} is not an option, but ${option} is`;
  return { token, at: "name", option, what: `${what}; ${remedyFor(option)}` };
}

function badValue(token: Token): Unread | undefined {
  const known = CONNECT_OPTIONS.find(({ name }) => name === token.key);
  if (known?.security === true) {
    const result = setConnectOption({}, known, token.value);
    if (!result.ok) {
      const option = securityMeant(token.key) ?? "tls";
      const value = shown(shownValue(token));
      const what =
        `${token.key}: ${value} is not ${result.expected}, and without it the connection would not be ` +
        "as secure as asked for";
      return { token, at: "value", option, what: `${what}; ${remedyFor(option)}` };
    }
    return undefined;
  }
  const isSecret = token.key.startsWith("dhchap-");
  if (isSecret && isReference(token.value) && !/[\s,]/.test(token.value)) return undefined;
  const option = securityWithin(isSecret ? token.value.replace(/^\S+/, "") : token.value);
  if (option === undefined) return undefined;
  const what = `the value of ${token.key} asks for ${option}, which must be an option of its own`;
  return { token, at: "value", option, what: `${what}; put ';' before it, and ${remedyFor(option)}` };
}

/**
 * The security options of an entry. If an option is given twice with different values, the stricter counts
 * (S15), and the option is reported.
 */
export function securityOverrides(
  tokens: Tokens,
): { readonly options: ConnectOptionsDraft; readonly disagreeing: readonly Token[] } {
  const options: ConnectOptionsDraft = {};
  const disagreeing: Token[] = [];
  for (const option of CONNECT_OPTIONS) {
    if (option.security !== true) continue;
    const given = tokens.all.filter(({ key }) => key === option.name);
    for (const token of given) {
      const before = options[option.key];
      const one: ConnectOptionsDraft = {};
      if (!setConnectOption(one, option, token.value).ok) continue;
      if (before !== undefined && before !== one[option.key]) disagreeing.push(token);
      const keep = before === true || (before !== undefined && one[option.key] === undefined);
      if (!keep) setConnectOption(options, option, token.value);
    }
  }
  return { options, disagreeing };
}
