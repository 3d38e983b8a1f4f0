import {
  defineMappingTag,
  defineScalarTag,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  Schema,
  seqTag,
  strTag,
} from 'js-yaml';
import { Document, isScalar, type ScalarTag } from 'yaml';
import type { JsonValue } from '../drift/json.ts';
import { KUBERNETES_YAML } from '../lib/kubernetes-yaml.ts';

const MAX_DEPTH = 100;
// Rare, and read differently in corners: anchors, aliases (whose growth the full parser limits) and tags, markers that are
// indented, blocks that say their indentation.
const UNUSUAL = /(?:^|[\s,[{])[&*!]\S|^[ \t]+(?:---|\.\.\.)|[|>][-+]?\d/m;

const SCALAR_TAGS = new Document(null, KUBERNETES_YAML).schema.tags.filter(
  (tag): tag is ScalarTag => tag.collection === undefined && tag.default === true,
);

/** Numbers, booleans and nulls by the full parser's own rules, in its order; everything else is a text. */
const plainScalar = defineScalarTag<unknown>('tag:realign.dev,2026:plain', {
  implicit: true,
  resolve: (source, isExplicit) => {
    const tag = isExplicit ? undefined : SCALAR_TAGS.find(({ test }) => test?.test(source));
    if (tag?.resolve === undefined) return NOT_RESOLVED;
    const value = tag.resolve(source, () => undefined, {});
    return isScalar(value) ? value.value : value;
  },
  identify: () => false,
});

/** Field names are texts as they stand; what only looks like a number or a boolean is for the full parser. */
const fields = defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
  create: () => ({}),
  addPair: (object, key, value) => {
    if (typeof key !== 'string' || key === '__proto__') return 'a name that is no text';
    object[key] = value;
    return '';
  },
  has: (object, key) => typeof key === 'string' && Object.hasOwn(object, key),
  keys: (object) => Object.keys(object),
  get: (object, key) => object[String(key)],
  identify: () => false,
});

const SCHEMA = new Schema([strTag, seqTag, fields, mergeTag, plainScalar]);

/**
 * The values of all documents of a YAML text, without their places, in a seventh of the full parser's time. Empty documents
 * are left out. Undefined for every mistake and for what the two might read differently: the full parser is asked then.
 */
export function readYamlValues(text: string): readonly JsonValue[] | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    return (loadAll(text, { schema: SCHEMA, maxDepth: MAX_DEPTH }) as JsonValue[]).filter(
      (value) => value !== null,
    );
  } catch {
    return undefined;
  }
}
