import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { AppError } from '../lib/errors.ts';
import type { KubeRequests } from './kube-request.ts';

/**
 * Who is who in the embedded cluster: `admin` people with kubectl, `realign` the product (reads only), `realign-repair` its
 * optional second identity, `confighub` ConfigHub's worker, `controllers` the status player.
 */
export const IDENTITIES = [
  'admin',
  'realign',
  'realign-repair',
  'confighub',
  'controllers',
] as const;
export type Identity = (typeof IDENTITIES)[number];
export type Tokens = Readonly<Record<Identity, string>>;

const CLUSTER_ROLES: Readonly<Record<Exclude<Identity, 'admin'>, string>> = {
  realign: 'realign',
  'realign-repair': 'realign-repair',
  // A writer of Roles needs every right that it grants.
  confighub: 'cluster-admin',
  controllers: 'cluster-admin',
};

/** The tokens of this cluster, made once and kept in the API server's own format. */
export async function loadTokens(directory: string): Promise<{ tokens: Tokens; file: string }> {
  const file = join(directory, 'tokens.csv');
  if (!existsSync(file)) {
    const rows = IDENTITIES.map((name) => {
      const groups = name === 'admin' ? 'system:masters' : '';
      return `${randomBytes(24).toString('base64url')},${name},${name},"${groups}"\n`;
    });
    await writeFile(file, rows.join(''), { mode: 0o600 });
  }
  const tokenOf = new Map<string, string>();
  for (const row of (await readFile(file, 'utf8')).split('\n')) {
    const [token, name] = row.split(',');
    if (token && name) tokenOf.set(name, token);
  }
  const get = (name: Identity): string => {
    const token = tokenOf.get(name);
    if (!token)
      throw new AppError(
        'SETUP_FAILED',
        `${file} has no token for ${name}; delete the stack's directory`,
      );
    return token;
  };
  return {
    file,
    tokens: {
      admin: get('admin'),
      realign: get('realign'),
      'realign-repair': get('realign-repair'),
      confighub: get('confighub'),
      controllers: get('controllers'),
    },
  };
}

/** Writes one kubeconfig for each identity, readable by us alone. Each holds one context, named after the identity. */
export async function writeKubeconfigs(
  directory: string,
  access: { url: string; ca: string; tokens: Tokens },
): Promise<Readonly<Record<Identity, string>>> {
  const write = async (name: Identity): Promise<string> => {
    const file = join(directory, `${name}.kubeconfig`);
    // JSON is YAML, and needs no quoting rules.
    await writeFile(file, `${JSON.stringify(kubeconfig(name, access), null, 2)}\n`, {
      mode: 0o600,
    });
    return file;
  };
  const [admin, realign, repair, confighub, controllers] = await Promise.all([
    write('admin'),
    write('realign'),
    write('realign-repair'),
    write('confighub'),
    write('controllers'),
  ]);
  return { admin, realign, 'realign-repair': repair, confighub, controllers };
}

function kubeconfig(name: Identity, access: { url: string; ca: string; tokens: Tokens }): object {
  const ca = Buffer.from(access.ca).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'realign', cluster: { server: access.url, 'certificate-authority-data': ca } },
    ],
    users: [{ name, user: { token: access.tokens[name] } }],
    contexts: [{ name, context: { cluster: 'realign', user: name } }],
    'current-context': name,
  };
}

/** Writes the ClusterRoles of `deploy/` and binds each identity to its own; may be repeated. */
export async function grantRights(admin: KubeRequests, rbacFile: string): Promise<void> {
  const documents = parseAllDocuments(await readFile(rbacFile, 'utf8'));
  const objects = documents.map((document) => document.toJS() as { kind?: unknown });
  const roles = objects.filter((object) => object?.kind === 'ClusterRole');
  const bindings = Object.entries(CLUSTER_ROLES).map(([user, role]) => binding(user, role));
  await Promise.all([...roles, ...bindings].map((object) => applyRbac(admin, object)));
}

function binding(user: string, role: string): object {
  const apiGroup = 'rbac.authorization.k8s.io';
  return {
    apiVersion: `${apiGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: `realign-stack-${user}` },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  };
}

async function applyRbac(admin: KubeRequests, object: object): Promise<void> {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  const path = `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s/${metadata.name}`;
  const answer = await admin.send(
    'PATCH',
    `${path}?fieldManager=realign-stack&force=true`,
    object,
    'application/apply-patch+yaml',
  );
  if (answer.status >= 300) {
    throw new AppError(
      'SETUP_FAILED',
      `${kind} ${metadata.name} cannot be written: ${JSON.stringify(answer.body)}`,
    );
  }
}
