import type { Config } from '../lib/config.ts';

/** What a secret is called in the configuration, whatever section it is in. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  'apiKey',
  'appToken',
  'botToken',
  'key',
  'password',
  'routingKey',
  'secret',
  'signingSecret',
  'token',
]);

/** Everything but the values of secrets; of a database URL the host and name stay, of a webhook's its host. */
export function withoutSecrets(config: Config): object {
  const { environments, policies, ignore, people, ...sections } = config;
  return {
    // Of these nothing is secret but the hashes of tokens; labels in them may be called as secrets are.
    ...{ environments, policies, ignore },
    people: people.map(({ tokenSha256: _, ...person }) => person),
    ...hideObject(sections),
    confighub: { ...config.confighub, token: state(config.confighub.token) },
    database: { url: withoutPassword(config.database.url) },
    claude: { ...config.claude, apiKey: state(config.claude.apiKey) },
    audit: { token: state(config.audit.token) },
    redaction: { key: state(config.redaction.key) },
    notifications: {
      ...config.notifications,
      receivers: config.notifications.receivers.map((one) => ({
        ...hideObject(one),
        ...(one.kind === 'webhook' && { url: `${new URL(one.url).origin}/…` }),
      })),
    },
  };
}

/** `url` with neither of the passwords that it may hold. */
export function withoutPassword(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = '***';
  // `?password=` is another way to give one.
  if (url.searchParams.has('password')) url.searchParams.set('password', '***');
  return url.href;
}

function hideObject(object: object): object {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name,
      SECRET_KEYS.has(name) ? state(value) : hide(value),
    ]),
  );
}

function hide(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hide);
  return typeof value === 'object' && value !== null ? hideObject(value) : value;
}

function state(value: unknown): string {
  return value === undefined ? 'not set' : 'set';
}
