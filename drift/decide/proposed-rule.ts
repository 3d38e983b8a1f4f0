import type { ResourceRef } from '../resource-ref.ts';
import type { Fight } from './fight.ts';

/** What the names of rules are made of, and how long they are at most. */
const NOT_OF_A_NAME = /[^A-Za-z0-9._-]+/g;
const MAX_ID_CHARS = 63;

/**
 * The ignore rule by which a fight ends because its opponent is meant to write the field, as YAML for realign.yaml. It is as narrow
 * as can be: this field of this object, written by this manager.
 */
export function proposedRule(
  { environment, group, kind, namespace, name }: ResourceRef,
  { path, opponent }: Pick<Fight, 'path' | 'opponent'>,
): string {
  const text = (value: string) => JSON.stringify(value);
  const match = [
    `environments: [${text(environment)}]`,
    `kinds: [${text(`${group === '' ? 'core' : group}/${kind}`)}]`,
    ...(namespace === '' ? [] : [`namespaces: [${text(namespace)}]`]),
    `names: [${text(name)}]`,
  ];
  return [
    'ignore:',
    `  - id: ${text(idOf(`${name}-${path}`))}`,
    `    match: { ${match.join(', ')} }`,
    `    paths: [${text(path)}]`,
    `    by: { managers: [${text(opponent)}] }`,
    `    reason: ${text(`${opponent} sets it again after each fix`)}`,
  ].join('\n');
}

function idOf(words: string): string {
  return words
    .replaceAll(NOT_OF_A_NAME, '-')
    .slice(0, MAX_ID_CHARS)
    .replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}
