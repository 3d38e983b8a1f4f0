import { assignmentsIn } from './assignments.ts';
import { holdsRandomKey } from './random-key.ts';

/** A word of a name that says that the value is a credential; plural and digits behind it do not matter. */
const CREDENTIAL_WORDS: ReadonlySet<string> = new Set([
  ...['password', 'passwd', 'pwd', 'pass', 'passphrase', 'passcode', 'token', 'secret'],
  ...['credential', 'dsn', 'auth', 'authorization', 'pat', 'webhook', 'htpasswd'],
  ...['npmrc', 'netrc', 'pypirc', 'dockercfg', 'dockerconfigjson', 'kubeconfig', 'keystore'],
]);
/** Credentials also at the end of a word: `PGPASSWORD`, `authtoken`. */
const CREDENTIAL_ENDING =
  /(?:password|passwd|pwd|(?<!by|com|encom|over|sur|tres|under)pass|passphrase|token|secret|credential|(?:api|access|private|secret)key|connectionstring|dockerconfigjson|kubeconfig)$/;
/** Two words that are a credential together. `key` alone says nothing (selectors, tolerations). */
const CREDENTIAL_PAIR =
  /^(?:(?:api|access|private|secret|encryption|signing|master|license|account|auth|ssh|hmac|aes|jwt|session|service|tls|ssl|ca|rsa|server|client|root) key|(?:connection|conn) (?:string|str)|id (?:rsa|dsa|ecdsa|ed)|pass word)$/;
/** They hold a credential's word and mean something else. */
const PLAIN_PAIR = /^(?:max|min|num) token$|^pass through$/;
/** Names that end so say where a credential is, or how it is dealt with. */
const PLAIN_ENDING =
  /^(?:(?:file|dir|host)?(?:path|name)|file|dir|directory|ref|reference|mode|policy|class|type|ttl|timeout|seconds|expiry|expiration|enabled|length|realm|pub)$/;
const WORD_JOIN = /([a-z0-9])([A-Z])/g;

const SECRET_TEXTS: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]+-----/,
  /\beyJ[\w-]{8,1024}\.[\w-]/,
  // The password may hold `/`; a port in front of a path is none.
  /:\/\/[^/\s:]{0,256}:(?!\d{1,5}(?:[/?#,"']|$))[^\s@"'<>]{1,256}@/,
  /:[^\s@/]{1,256}@(?:tcp|unix)\(/,
  /[?&;](?:x-amz-)?sig(?:nature)?=[^&\s]/i,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{15,})/,
  /\bxox[abeoprs]-[A-Za-z0-9-]{8,}/,
  /\bsk-[A-Za-z0-9_-]{16,}/,
  /\b[rs]k_(?:live|test)_[A-Za-z0-9]{8,}/,
  /\bhooks\.slack\.com\/(?:services|workflows|triggers)\/\S/i,
  /\bdiscord(?:app)?\.com\/api\/webhooks\/\S/i,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{8,}/,
  /\b(?:requirepass|masterauth)[ \t]+\S/,
  /<[\w:.-]{0,64}(?:password|passwd|secret|token)>[^<\s]/i,
];
/** Only the beginning of a long text is searched; credentials stand near it, and work stays bounded. */
const SEARCHED_CHARACTERS = 65_536;
const MAX_NAME_CHARACTERS = 256;

/**
 * True for a name that holds a credential's word anywhere: `DB_PASSWORD_1`, `PGPASSWORD`, `apiKey`, `tls.key`. Not for names
 * of files, references and policies (`passwordFile`, `secretRef`). Words split at case, digits, `_`, `-`, `.` and `/`; the
 * domain in front of an annotation's name does not count.
 */
export function isCredentialName(name: string): boolean {
  const short = name.slice(-MAX_NAME_CHARACTERS);
  const domain = /^[\w-]+(?:\.[\w-]+)+\//.exec(short)?.[0] ?? '';
  const words = short
    .slice(domain.length)
    .replace(WORD_JOIN, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
  if (PLAIN_ENDING.test(words.at(-1) ?? '')) return false;
  return words.some((word, at) => isCredentialWord(words, word, at));
}

/** True for a text that is a credential, or carries one, by its form, by the name that it is assigned to, or by its randomness. */
export function looksLikeCredential(text: string): boolean {
  const searched = text.slice(0, SEARCHED_CHARACTERS);
  if (SECRET_TEXTS.some((form) => form.test(searched))) return true;
  for (const name of assignmentsIn(searched)) if (isCredentialName(name)) return true;
  return holdsRandomKey(searched);
}

/** True for a word of a command line that is the value of a credential's flag; `before` is the word in front of it. */
export function isCredentialArgument(text: string, before: unknown): boolean {
  if (typeof before !== 'string' || !/^--?[\w.-]+$/.test(before)) return false;
  return isCredentialName(before) && !/^--?[a-z]/i.test(text);
}

function isCredentialWord(words: readonly string[], word: string, at: number): boolean {
  const single = singular(word);
  const before = words[at - 1];
  const after = words[at + 1];
  if (before !== undefined && CREDENTIAL_PAIR.test(`${before} ${single}`)) return true;
  if (before !== undefined && PLAIN_PAIR.test(`${before} ${single}`)) return false;
  if (after !== undefined && PLAIN_PAIR.test(`${single} ${after}`)) return false;
  return CREDENTIAL_WORDS.has(single) || CREDENTIAL_ENDING.test(single);
}

function singular(word: string): string {
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}
