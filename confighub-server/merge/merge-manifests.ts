import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../drift/json.ts';
import { editDocument } from './edit-document.ts';
import { type Edit, type MergeConflict, mergeNode, type Step } from './merge-node.ts';
import { joinDocuments, type ManifestDocument, splitDocuments } from './split-documents.ts';

export type MergedManifests = {
  readonly data: string;
  /** Upstream changes that were dropped for a local one. */
  readonly conflicts: readonly MergeConflict[];
};

/**
 * ConfigHub's upgrade: the changes from `base` to `theirs` (two revisions of the upstream unit) are made to `ours`, local
 * changes survive. Resources are matched by apiVersion, kind and name. Documents without a change keep their exact text.
 * 422 if one of the texts is not valid YAML. Where both sides changed a place, ours stays unless `takesTheirs` says otherwise
 * (generation C keeps what is protected only).
 */
export function mergeManifests(versions: {
  readonly base: string;
  readonly theirs: string;
  readonly ours: string;
  readonly takesTheirs?: ((resource: string, path: readonly Step[]) => boolean) | undefined;
}): MergedManifests {
  if (versions.base === versions.theirs) return { data: versions.ours, conflicts: [] };
  if (versions.base === versions.ours) return { data: versions.theirs, conflicts: [] };
  const base = byKey(splitDocuments(versions.base));
  const theirs = byKey(splitDocuments(versions.theirs));
  const ours = splitDocuments(versions.ours);
  const conflicts: MergeConflict[] = [];
  const texts = ours.flatMap((our) => {
    const merged = mergeOne(our, base.get(our.key), theirs.get(our.key), {
      conflicts,
      takesTheirs: versions.takesTheirs,
    });
    return merged === undefined ? [] : [merged];
  });
  const ourKeys = new Set(ours.map((our) => our.key));
  for (const [key, their] of theirs) {
    if (ourKeys.has(key)) continue;
    const was = base.get(key);
    if (was === undefined) texts.push(their.text);
    else if (!isDeepStrictEqual(was.value, their.value)) {
      conflicts.push({ resource: key, path: '', reason: 'removed here, changed upstream' });
    }
  }
  return { data: joinDocuments(texts), conflicts };
}

type Collisions = {
  readonly conflicts: MergeConflict[];
  readonly takesTheirs: ((resource: string, path: readonly Step[]) => boolean) | undefined;
};

/** The new text of one of our documents; undefined if it goes. */
function mergeOne(
  our: ManifestDocument,
  was: ManifestDocument | undefined,
  their: ManifestDocument | undefined,
  { conflicts, takesTheirs }: Collisions,
): string | undefined {
  const drop = (path: readonly Step[], reason: string) =>
    conflicts.push({ resource: our.key, path: formatPath(path), reason });
  if (their === undefined) {
    if (was === undefined) return our.text;
    if (isDeepStrictEqual(was.value, our.value)) return undefined;
    drop([], 'changed here, removed upstream');
    return our.text;
  }
  const edits: Edit[] = [];
  const base = was?.value ?? {};
  mergeNode(
    { base: base as JsonValue, theirs: their.value as JsonValue, ours: our.value as JsonValue },
    [],
    { edits, conflict: drop, takesTheirs: takesTheirs && ((path) => takesTheirs(our.key, path)) },
  );
  return edits.length === 0 ? our.text : editDocument(our.document, our.text, edits);
}

function byKey(documents: readonly ManifestDocument[]): ReadonlyMap<string, ManifestDocument> {
  return new Map(documents.map((document) => [document.key, document]));
}

function formatPath(path: readonly Step[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step.replaceAll('.', '~1')}`))
    .join('')
    .replace(/^\./, '');
}
