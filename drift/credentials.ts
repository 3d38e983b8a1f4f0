/** Last words of names that hold credentials: `DB_PASSWORD`, `apiKey`, `aws-secret-access-key`. */
const CREDENTIAL_WORDS: ReadonlySet<string> = new Set([
  'password',
  'passwd',
  'pwd',
  'passphrase',
  'token',
  'secret',
  'credential',
  'credentials',
  'dsn',
  'apikey',
  'secretkey',
  'accesskey',
  'privatekey',
  'authtoken',
  'dockerconfigjson',
  'htpasswd',
  'kubeconfig',
]);
/** `key` alone says nothing (selectors, tolerations); after one of these words it is a credential. */
const KEY_QUALIFIERS: ReadonlySet<string> = new Set([
  'api',
  'access',
  'private',
  'secret',
  'encryption',
  'signing',
  'master',
  'license',
  'account',
  'auth',
  'ssh',
  'hmac',
  'aes',
  'jwt',
  'session',
  'service',
]);

const SECRET_TEXTS: readonly RegExp[] = [
  /-----BEGIN [A-Z0-9 ]+-----/,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/,
  /:\/\/[^/\s:@]*:[^/\s@]+@/,
  /[?&;](?:password|passwd|pwd|token|secret|api[_-]?key|access[_-]?key|sig(?:nature)?)=[^&\s]/i,
  /(?:^|[;\s])(?:password|passwd|pwd)\s*=\s*[^;\s]/i,
  /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/,
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{15,})/,
  /\bxox[abeoprs]-[A-Za-z0-9-]{8,}/,
  /\bsk-[A-Za-z0-9_-]{16,}/,
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9+/._~=-]{8,}/,
];
const SECRET_FLAG = /^--?[\w-]*(?:password|passwd|token|secret|api-?key|access-?key)$/i;
const SECRET_ASSIGNMENT = /^--?[\w-]*(?:password|passwd|token|secret|api-?key|access-?key)=./i;
/** Only the beginning of a long text is searched; credentials stand near it, and work stays bounded. */
const SEARCHED_CHARACTERS = 65_536;

/** True for a name whose last words say that its value is a credential. Words split at case, `_`, `-`, `.` and `/`. */
export function isCredentialName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (CREDENTIAL_WORDS.has(last)) return true;
  return last === 'key' && KEY_QUALIFIERS.has(words.at(-2) ?? '');
}

/** True for a text that is a credential, or carries one, by its form. */
export function looksLikeCredential(text: string): boolean {
  const searched = text.slice(0, SEARCHED_CHARACTERS);
  return SECRET_TEXTS.some((form) => form.test(searched));
}

/** True for a word of a command line that is a credential or carries one; `before` is the word in front of it. */
export function isCredentialArgument(text: string, before: unknown): boolean {
  if (SECRET_ASSIGNMENT.test(text)) return true;
  return typeof before === 'string' && SECRET_FLAG.test(before) && !text.startsWith('-');
}
