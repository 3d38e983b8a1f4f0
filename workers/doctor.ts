import type { ApiResource, KubernetesClient } from '../clients/kubernetes/index.ts';
import type { Config, EnvironmentConfig } from '../lib/config.ts';
import { type ClaudeConfig, usesClaude } from '../lib/config-claude.ts';
import { SET_TOKEN } from '../lib/confighub-token.ts';
import { type AppError, type ErrorCode, fromUnknown } from '../lib/errors.ts';

/** One thing that was examined. `repair` is there when it is not well. */
export type Check = {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly repair?: string;
};

const TIMEOUT_MS = 5_000;
const NODE_MAJOR = 24;
/** Reviews in flight at one API server; more would only queue there. */
const REVIEWS_AT_ONCE = 8;

/** Asks everything that Realign depends on, all at once, none for longer than some seconds. Never rejects. */
export async function examine(config: Config): Promise<readonly Check[]> {
  return Promise.all([
    examineNode(process.versions.node),
    ...config.environments.map((environment) => examineCluster(environment, config.resources)),
    examineConfigHub(config),
    examinePostgres(config.database.url),
    examineTemporal(config.temporal),
    ...(usesClaude(config.claude) ? [examineClaude(config.claude)] : []),
  ]);
}

export function examineNode(version: string): Check {
  const ok = Number.parseInt(version, 10) >= NODE_MAJOR;
  const repair = `Install Node ${NODE_MAJOR} or later, or start Realign by bin/realign, which brings its own.`;
  return { name: 'Node', ok, detail: version, ...(ok ? {} : { repair }) };
}

/** Reached, and allowed to list and watch each watched resource in each watched namespace? */
export function examineCluster(
  environment: EnvironmentConfig,
  resources: readonly string[],
): Promise<Check> {
  return check(`Cluster of ${environment.name}`, 'KUBERNETES_UNAVAILABLE', async () => {
    const { createKubernetesClient } = await import('../clients/kubernetes/index.ts');
    const client = await createKubernetesClient({
      ...environment.cluster,
      userAgent: 'realign-doctor',
      timeoutMs: TIMEOUT_MS,
    });
    try {
      const version = await client.version();
      const discovery = await client.discover();
      const watched = resources.map((name) => discovery.resolve(name));
      const missing = await missingRights(client, watched, environment.namespaces);
      const where = `${versionOf(version)} at ${client.server}`;
      if (missing.length === 0) {
        return { ok: true, detail: `${where}, may list and watch ${watched.length} resources` };
      }
      return {
        ok: false,
        detail: `${where}, but may not ${missing.join('; ')}`,
        repair: 'Apply deploy/base/rbac.yaml, or grant this identity the rights that are named.',
      };
    } finally {
      client.close();
    }
  });
}

/** A build that was given none names the placeholder of its source. */
function versionOf(gitVersion: string): string {
  return gitVersion.includes('$Format') ? 'unversioned build' : gitVersion;
}

async function missingRights(
  client: Pick<KubernetesClient, 'canI'>,
  resources: readonly ApiResource[],
  namespaces: readonly string[],
): Promise<readonly string[]> {
  const places = namespaces.length === 0 ? [undefined] : namespaces;
  const questions = resources.flatMap((resource) =>
    (resource.namespaced ? places : [undefined]).flatMap((namespace) =>
      ['list', 'watch'].map((verb) => ({ verb, resource, namespace })),
    ),
  );
  const missing: string[] = [];
  for (let start = 0; start < questions.length; start += REVIEWS_AT_ONCE) {
    const batch = questions.slice(start, start + REVIEWS_AT_ONCE);
    const answers = await Promise.all(
      batch.map(({ verb, resource, namespace }) => client.canI(verb, resource, namespace)),
    );
    batch.forEach(({ verb, resource, namespace }, index) => {
      if (answers[index]) return;
      missing.push(
        `${verb} ${resource.plural}${namespace === undefined ? '' : ` in ${namespace}`}`,
      );
    });
  }
  return missing;
}

/** Claude knows the key, and has the model. Nothing is asked, so nothing is paid. */
export function examineClaude(claude: ClaudeConfig & { readonly apiKey: string }): Promise<Check> {
  return check('Claude', 'CLAUDE_UNAVAILABLE', async () => {
    const { createClaudeClient } = await import('../clients/claude.ts');
    const { apiKey, url, model } = claude;
    const found = await createClaudeClient({ apiKey, url, model, timeoutMs: TIMEOUT_MS }).check();
    return { ok: true, detail: `${found} at ${url}` };
  });
}

/** ConfigHub answers, knows the token, speaks a dialect that this version does, and has every environment's space. */
export function examineConfigHub({
  confighub: { url, token, dialect },
  environments,
}: Pick<Config, 'confighub' | 'environments'>): Promise<Check> {
  return check('ConfigHub', 'CONFIGHUB_UNAVAILABLE', async () => {
    if (token === undefined) {
      return { ok: false, detail: `${url}, but there is no token`, repair: SET_TOKEN };
    }
    const { createConfighubClient } = await import('../clients/confighub/index.ts');
    const { createLog } = await import('../lib/log.ts');
    const log = createLog('silent');
    const hub = createConfighubClient({ url, token, dialect, timeoutMs: TIMEOUT_MS, log });
    const info = await hub.info();
    const { username } = await hub.me();
    const spaces = [...new Set(environments.map((one) => one.source.space))];
    const found = await Promise.all(spaces.map((slug) => hub.findSpace(slug)));
    const missing = spaces.filter((_slug, index) => found[index] === undefined);
    const version = info.version === undefined ? '' : ` ${info.version}`;
    const where = `${url}${version}, dialect ${info.dialect}, as ${username || 'somebody'}`;
    if (missing.length === 0) return { ok: true, detail: where };
    return {
      ok: false,
      detail: `${where}, but there is no space ${missing.join(', ')}`,
      repair:
        'Correct source.space of the environment (CUB_SPACE), or let this token see the space.',
    };
  });
}

/** Postgres answers, and says its version. */
export function examinePostgres(url: string): Promise<Check> {
  return check('Postgres', 'DATABASE_UNAVAILABLE', async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: TIMEOUT_MS,
      query_timeout: TIMEOUT_MS,
      application_name: 'realign-doctor',
    });
    try {
      await client.connect();
      const { rows } = await client.query(
        `select current_setting('server_version') as version, current_database() as name`,
      );
      return { ok: true, detail: `${rows[0]?.version}, database ${rows[0]?.name}` };
    } finally {
      await client.end();
    }
  });
}

/** Temporal answers, and the namespace exists. */
export function examineTemporal(temporal: Config['temporal']): Promise<Check> {
  return check('Temporal', 'TEMPORAL_UNAVAILABLE', async () => {
    const { connectTemporal } = await import('../clients/temporal.ts');
    const connection = await connectTemporal(temporal);
    try {
      await connection.ping();
      return { ok: true, detail: `${temporal.address}, namespace ${temporal.namespace}` };
    } finally {
      await connection.close();
    }
  });
}

type Found = Omit<Check, 'name'>;

/** What the examination found; a failure of it is what was found, with the repair of its code. */
async function check(
  name: string,
  code: ErrorCode,
  examination: () => Promise<Found>,
): Promise<Check> {
  try {
    return { name, ...(await examination()) };
  } catch (error) {
    const failure: AppError = fromUnknown(error, code);
    return { name, ok: false, detail: describe(failure), repair: failure.repair };
  }
}

/** The message with that of its cause, where the cause says more (a namespace that does not exist). */
function describe({ message, cause }: AppError): string {
  const reason = cause instanceof Error ? cause.message : '';
  return message.includes(reason) ? message : [message, reason].filter(Boolean).join(': ');
}
