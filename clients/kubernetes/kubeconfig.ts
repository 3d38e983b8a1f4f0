import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import { KUBERNETES_YAML } from '../../lib/kubernetes-yaml.ts';
import { yamlProblem } from '../../lib/yaml-problem.ts';

/** One context with the cluster and the user that it names. Paths are absolute. */
export type KubeContext = {
  readonly name: string;
  readonly cluster: KubeCluster;
  readonly user: KubeUser;
};

const text = z.string().nullish();

/** Keys as in a file; https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. Unknown ones are left alone, as kubectl does. */
const clusterSchema = z.object({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
  extensions: z.array(z.object({ name: z.string(), extension: z.unknown() })).nullish(),
});

const execSchema = z.object({
  apiVersion: z.string(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  interactiveMode: text,
  provideClusterInfo: z.boolean().nullish(),
});

const userSchema = z.object({
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  as: text,
  exec: execSchema.nullish(),
  'auth-provider': z.looseObject({ name: z.string() }).nullish(),
});

const contextSchema = z.object({ cluster: z.string(), user: text });

const fileSchema = z.object({
  'current-context': text,
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })).nullish(),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: contextSchema })).nullish(),
});

export type KubeCluster = z.infer<typeof clusterSchema>;
export type KubeUser = z.infer<typeof userSchema>;
export type ExecConfig = z.infer<typeof execSchema>;

type Kubeconfig = {
  readonly current: string | undefined;
  readonly clusters: ReadonlyMap<string, KubeCluster>;
  readonly users: ReadonlyMap<string, KubeUser>;
  readonly contexts: ReadonlyMap<string, z.infer<typeof contextSchema>>;
};

/** What the process finds around it. */
export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Where a pod's service account is mounted. */
  readonly serviceAccount: string;
};

const IN_CLUSTER = 'in-cluster';

/**
 * The context asked for, else the current one, of the kubeconfig given, else of KUBECONFIG (files that are merged: the first to
 * say something is right), `~/.kube/config`, or the pod's service account. Throws CONFIG_INVALID.
 */
export function loadKubeContext(
  options: { readonly kubeconfig?: string; readonly context?: string },
  surroundings: Surroundings = {
    env: process.env,
    home: homedir(),
    serviceAccount: '/var/run/secrets/kubernetes.io/serviceaccount',
  },
): KubeContext {
  const config =
    options.kubeconfig === undefined
      ? readDefault(surroundings)
      : merge([requireFile(options.kubeconfig)]);
  const known = [...config.contexts.keys()].join(', ') || 'none';
  const name = options.context ?? config.current;
  if (name === undefined) throw invalid(`it names no current context; it has: ${known}`);
  const context = config.contexts.get(name);
  if (context === undefined) throw invalid(`it has no context ${name}; it has: ${known}`);
  const cluster = config.clusters.get(context.cluster);
  if (cluster === undefined) throw invalid(`context ${name} names no cluster that it has`);
  const user = context.user ? config.users.get(context.user) : {};
  if (user === undefined) throw invalid(`context ${name} names no user that it has`);
  return { name, cluster, user };
}

function readDefault({ env, home, serviceAccount }: Surroundings): Kubeconfig {
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) {
    // Of a list, kubectl passes over files that are not there.
    const files = listed.flatMap((file) => readFile(file) ?? []);
    if (files.length > 0) return merge(files);
    throw invalid(`no file of KUBECONFIG is there: ${listed.join(', ')}`);
  }
  const own = readFile(join(home, '.kube', 'config'));
  if (own !== undefined) return merge([own]);
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host !== undefined && host !== '') {
    return inCluster(host, env['KUBERNETES_SERVICE_PORT'] ?? '443', serviceAccount);
  }
  throw invalid('there is none: set KUBECONFIG, or write ~/.kube/config');
}

function inCluster(host: string, port: string, directory: string): Kubeconfig {
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const authority = join(directory, 'ca.crt');
  return {
    current: IN_CLUSTER,
    clusters: new Map([[IN_CLUSTER, { server, 'certificate-authority': authority }]]),
    users: new Map([[IN_CLUSTER, { tokenFile: join(directory, 'token') }]]),
    contexts: new Map([[IN_CLUSTER, { cluster: IN_CLUSTER, user: IN_CLUSTER }]]),
  };
}

function requireFile(file: string): Kubeconfig {
  const read = readFile(file);
  if (read === undefined) throw invalid(`${file} is not there`);
  return read;
}

function readFile(file: string): Kubeconfig | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw invalid(`${file}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const content = readYaml(file, text);
  const parsed = fileSchema.safeParse(content ?? {});
  if (!parsed.success) throw invalid(`${file}: ${z.prettifyError(parsed.error)}`);
  const { clusters, users, contexts } = parsed.data;
  const directory = dirname(resolve(file));
  return {
    current: parsed.data['current-context'] || undefined,
    clusters: byName(clusters, (one) => withAbsolutePaths(directory, one.cluster)),
    users: byName(users, (one) => userOf(directory, one.user ?? {})),
    contexts: byName(contexts, (one) => one.context),
  };
}

/** The parser's own message and error would show the lines around the mistake, with the tokens in them. */
function readYaml(file: string, text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    ...KUBERNETES_YAML,
    lineCounter: lines,
    prettyErrors: false,
  });
  const [error] = document.errors;
  if (error) {
    const { line } = lines.linePos(error.pos[0]);
    throw invalid(`${file}: line ${line}: ${yamlProblem(error)}`);
  }
  try {
    return document.toJS();
  } catch (cause) {
    throw invalid(`${file}: ${yamlProblem(cause)}`);
  }
}

function userOf(directory: string, user: KubeUser): KubeUser {
  const { exec, ...rest } = withAbsolutePaths(directory, user);
  if (!exec) return rest;
  // A bare name is looked up in PATH, a relative path is taken from the file.
  const isPath = exec.command.includes('/');
  return { ...rest, exec: isPath ? { ...exec, command: resolve(directory, exec.command) } : exec };
}

const PATHS = ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile'] as const;

function withAbsolutePaths<T extends { readonly [key in (typeof PATHS)[number]]?: unknown }>(
  directory: string,
  entry: T,
): T {
  const absolute = PATHS.flatMap((key) => {
    const path = entry[key];
    return typeof path === 'string' && path !== '' ? [[key, resolve(directory, path)]] : [];
  });
  return { ...entry, ...Object.fromEntries(absolute) };
}

function byName<T extends { readonly name: string }, V>(
  entries: readonly T[] | null | undefined,
  pick: (entry: T) => V,
): ReadonlyMap<string, V> {
  return new Map((entries ?? []).map((one) => [one.name, pick(one)]));
}

function merge(files: readonly Kubeconfig[]): Kubeconfig {
  const firstWins = <V>(maps: readonly ReadonlyMap<string, V>[]): ReadonlyMap<string, V> =>
    new Map(maps.toReversed().flatMap((map) => [...map]));
  return {
    current: files.find((one) => one.current !== undefined)?.current,
    clusters: firstWins(files.map((one) => one.clusters)),
    users: firstWins(files.map((one) => one.users)),
    contexts: firstWins(files.map((one) => one.contexts)),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function invalid(problem: string, cause?: unknown): AppError {
  return new AppError('CONFIG_INVALID', `the kubeconfig cannot be used: ${problem}`, { cause });
}
