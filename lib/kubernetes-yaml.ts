import type { DocumentOptions, ParseOptions, ScalarTag, SchemaOptions, Tags } from 'yaml';

/**
 * How Kubernetes tools read YAML (sigs.k8s.io/yaml): version 1.1, so `yes` and `on` are booleans, `0644` is octal and `<<`
 * merges, while dates and `12:30` stay texts. Every reader of manifests uses this, or two would see different values.
 */
export const KUBERNETES_YAML: ParseOptions & DocumentOptions & SchemaOptions = {
  version: '1.1',
  merge: true,
  customTags: (tags) => tags.filter(isRead).map(withoutShortBooleans),
};

type Tag = Tags[number];

function isRead(tag: Tag): boolean {
  if (typeof tag === 'string') return true;
  return tag.format !== 'TIME' && !/:(?:timestamp|binary|omap|pairs|set)$/.test(tag.tag);
}

/** `y` and `n` are names of fields more often than booleans. */
function withoutShortBooleans(tag: Tag): Tag {
  if (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:bool') return tag;
  const scalar = tag as ScalarTag;
  const test = scalar.test?.test('true')
    ? /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON)$/
    : /^(?:false|False|FALSE|no|No|NO|off|Off|OFF)$/;
  return { ...scalar, test };
}
