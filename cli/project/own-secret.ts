import type { KubernetesClient } from '../../clients/kubernetes/index.ts';
import { isJsonObject } from '../../drift/json.ts';
import { AppError } from '../../lib/errors.ts';

/** What the manifests of deploy/base take their secrets from. */
export const SECRET = 'drift-detector-secrets';
const FIELD_MANAGER = 'realign-cli';

/** Key of the Secret ← variable of the person's shell. */
const KEYS: readonly (readonly [key: string, variable: string, required: boolean])[] = [
  ['cub-token', 'CUB_TOKEN', true],
  ['database-url', 'DATABASE_URL', true],
  ['claude-api-key', 'CLAUDE_API_KEY', false],
];

/**
 * Writes the Secret into the namespace under the person's own identity: its values go from their shell to their cluster, past
 * ConfigHub, whose units never hold one. Keys that the shell has no value for stay as they are. Answers the keys that were
 * written. CONFIG_INVALID where a required one is in neither place.
 */
export async function writeSecret(
  cluster: Pick<KubernetesClient, 'get' | 'applyServerSide'>,
  namespace: string,
  env: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const place = { group: '', version: 'v1', kind: 'Secret', namespace, name: SECRET };
  const present = (await cluster.get(place))?.['data'];
  const kept = isJsonObject(present) ? present : {};
  const given = KEYS.filter(([, variable]) => env[variable]);
  const missing = KEYS.filter(
    ([key, variable, required]) => required && !env[variable] && !(key in kept),
  );
  if (missing.length > 0) {
    const variables = missing.map(([, variable]) => variable).join(' and ');
    throw new AppError(
      'CONFIG_INVALID',
      `the Secret ${namespace}/${SECRET} lacks ${missing.map(([key]) => key).join(' and ')}: set ${variables}, or leave Realign out with --app-only`,
    );
  }
  const values = given.map(([key, variable]) => [key, base64(env[variable] ?? '')]);
  if (values.length === 0) return [];
  await cluster.applyServerSide(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET, namespace },
      type: 'Opaque',
      // All of them: a key that is left out of what we once applied would be taken away.
      data: { ...kept, ...Object.fromEntries(values) },
    },
    { fieldManager: FIELD_MANAGER, force: true },
  );
  return given.map(([key]) => key);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
