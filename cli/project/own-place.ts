import { type Document, isMap, isSeq, parseAllDocuments, parseDocument } from 'yaml';
import type { OwnUnit } from './own-units.ts';

/** Where a Realign runs that watches one environment. */
type OwnPlace = {
  /** Of its own objects. */
  readonly namespace: string;
  readonly environment: string;
  /** Space and namespace of what it watches. */
  readonly watched: string;
  readonly filtersSpace: string;
  /** Of ConfigHub. */
  readonly url: string;
};

/**
 * A unit of Realign's as one environment needs it: local changes of the clone, which upgrades keep. Names of cluster-wide
 * objects and of the namespace are changed too, so that several environments can share a cluster; the ClusterRole is theirs in common.
 */
export function placed(slug: OwnUnit, data: string, place: OwnPlace): string {
  const documents = parseAllDocuments(data).map((document) => document as Document);
  for (const document of documents) change(document, slug, place);
  return documents
    .map((document) => document.toString({ lineWidth: 0, directives: false }))
    .join('---\n');
}

function change(document: Document, slug: OwnUnit, place: OwnPlace): void {
  const kind = document.get('kind');
  if (slug === 'namespace') document.setIn(['metadata', 'name'], place.namespace);
  if (kind === 'ClusterRoleBinding') {
    document.setIn(['metadata', 'name'], place.namespace);
    const subjects = document.get('subjects');
    for (const subject of isSeq(subjects) ? subjects.items : []) {
      if (isMap(subject)) subject.set('namespace', place.namespace);
    }
  }
  if (kind === 'ConfigMap') {
    const path = ['data', 'realign.yaml'];
    document.setIn(path, configured(String(document.getIn(path)), place));
  }
}

/** The shipped realign.yaml, looking at one environment instead of its example. */
function configured(yaml: string, { environment, watched, filtersSpace, url }: OwnPlace): string {
  const config = parseDocument(yaml);
  const first = ['environments', 0];
  config.setIn([...first, 'name'], environment);
  config.setIn([...first, 'source', 'space'], watched);
  config.setIn([...first, 'defaultNamespace'], watched);
  config.setIn(['confighub', 'url'], url);
  config.setIn(['confighub', 'filtersSpace'], filtersSpace);
  return config.toString({ lineWidth: 0 });
}
