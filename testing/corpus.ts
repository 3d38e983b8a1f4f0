import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonPatchOperation } from '../clients/kubernetes/index.ts';
import { parseManifests } from '../desired/manifests.ts';
import type { KubeObject } from '../drift/resource-ref.ts';

const FOLDER = join(import.meta.dirname, 'corpus');
/** Stands for a name of the run's own: objects without a namespace and API groups are shared by a whole cluster. */
const PLACEHOLDER = /CORPUS/g;

/** Kinds and namespaces first; limits last, because admission applies them to what comes after. */
const STEPS = [
  ['cluster.yaml'],
  ['configuration.yaml', 'services.yaml', 'workloads.yaml'],
  ['custom.yaml', 'limits.yaml'],
] as const;

/** One document of the corpus: manifests in the forms that people write, all of them valid. */
export type CorpusEntry = { readonly text: string; readonly object: KubeObject };

/**
 * Every manifest of the corpus, under names of `run`, in steps to be written one after the other.
 */
export function readCorpus(run: string): readonly (readonly CorpusEntry[])[] {
  return STEPS.map((files) => files.flatMap((file) => readEntries(file, run)));
}

function readEntries(file: string, run: string): readonly CorpusEntry[] {
  return readFileSync(join(FOLDER, file), 'utf8')
    .replaceAll(PLACEHOLDER, run)
    .split(/^---\n/m)
    .flatMap((text) => parseManifests(text, file).map((object) => ({ text, object })));
}

/** A change by hand that a comparison must find at `found`; the rest is RFC 6902. */
export type CorpusEdit = JsonPatchOperation & { readonly found: string };

/** The edits of every manifest, by `nameOf`. */
export function readEdits(run: string): ReadonlyMap<string, readonly CorpusEdit[]> {
  const text = readFileSync(join(FOLDER, 'edits.json'), 'utf8').replaceAll(PLACEHOLDER, run);
  const edits = JSON.parse(text) as Record<string, readonly CorpusEdit[]>;
  return new Map(Object.entries(edits));
}

/** `Kind/name`, by which edits are found. */
export function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind}/${metadata.name}`;
}
