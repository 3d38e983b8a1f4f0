import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Document, isAlias, isNode, parseAllDocuments, visit } from 'yaml';
import { z } from 'zod';
import type { Labels, NewUnit } from '../../clients/confighub/index.ts';
import { AppError } from '../../lib/errors.ts';

const BASE = new URL('../../deploy/base/', import.meta.url);

/** Units that Realign's own manifests become, in the order in which a cluster takes them. */
export const OWN_UNITS = [
  'namespace',
  'drift-detector-rbac',
  'drift-detector-deployment',
  'drift-detector-service',
] as const;
export type OwnUnit = (typeof OWN_UNITS)[number];

const UNIT_OF_KIND: Readonly<Record<string, OwnUnit>> = {
  Namespace: 'namespace',
  ServiceAccount: 'drift-detector-rbac',
  ClusterRole: 'drift-detector-rbac',
  ClusterRoleBinding: 'drift-detector-rbac',
  Service: 'drift-detector-service',
  NetworkPolicy: 'drift-detector-service',
};

const kustomization = z.object({ resources: z.array(z.string()) });
const manifest = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  roleRef: z.object({ name: z.string() }).exactOptional(),
});

type Manifest = { readonly document: Document; readonly object: z.infer<typeof manifest> };

/**
 * Realign's own manifests as units, read from deploy/base, so that nothing of them is written twice. They name no namespace:
 * each environment's target does. Roles that nobody is bound to are left out.
 */
export function ownUnits(): readonly NewUnit[] {
  const manifests = readManifests();
  const bound = new Set(manifests.flatMap(({ object }) => object.roleRef?.name ?? []));
  const used = manifests.filter(
    ({ object }) => object.kind !== 'ClusterRole' || bound.has(object.metadata.name),
  );
  return OWN_UNITS.map((slug) => ({
    slug,
    labels: labelsOf(slug),
    data: used
      .filter(({ object }) => unitOf(object.kind) === slug)
      .map(({ document }) => textOf(document))
      .join('---\n'),
    changeDescription: 'Installed Realign',
  }));
}

function labelsOf(slug: OwnUnit): Labels {
  const type = slug === 'namespace' ? 'infrastructure' : 'devops-app';
  return { app: 'drift-detector', type, tier: 'critical', monitor: 'true' };
}

/** Workloads, and what they are configured and limited by, go together: they are upgraded together. */
function unitOf(kind: string): OwnUnit {
  return UNIT_OF_KIND[kind] ?? 'drift-detector-deployment';
}

function readManifests(): readonly Manifest[] {
  const [list] = parseAllDocuments(read('kustomization.yaml'));
  const { resources } = kustomization.parse(list?.toJS());
  return resources.flatMap((file) =>
    parseAllDocuments(read(file)).map((document) => {
      return { document: document as Document, object: manifest.parse(document.toJS()) };
    }),
  );
}

function read(file: string): string {
  try {
    return readFileSync(new URL(file, BASE), 'utf8');
  } catch (error) {
    const path = fileURLToPath(new URL(file, BASE));
    throw new AppError('SETUP_FAILED', `Realign's own manifest ${path} cannot be read`, {
      cause: error,
    });
  }
}

function textOf(document: Document): string {
  document.deleteIn(['metadata', 'namespace']);
  withoutAnchors(document);
  return document.toString({ lineWidth: 0, directives: false });
}

/** Tools that edit single fields of a unit follow no anchors. */
function withoutAnchors(document: Document): void {
  visit(document, {
    Alias: (_key, alias) => alias.resolve(document)?.clone() as never,
  });
  visit(document, {
    Node: (_key, node) => {
      if (isNode(node) && !isAlias(node)) delete node.anchor;
    },
  });
}
