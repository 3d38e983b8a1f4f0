import { z } from 'zod';
import { CHANGE_OPS, CHANGE_TYPES, SEVERITIES } from '../drift/field-change.ts';

/** The shape of `ignore:` and `severities:` in realign.yaml. */

export const MAX_IGNORE_RULES = 500;
const MAX_LIST = 200;
const MAX_PATHS = 100;

const text = z.string().min(1).max(1_024);
const texts = z
  .array(text)
  .min(1, 'expected at least one; leave the key out for "any"')
  .max(MAX_LIST);
const id = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'expected a name of letters, digits, "-", "_" and "." (at most 63)',
  );
const kind = z
  .string()
  .regex(
    /^(?:[a-z0-9.*?-]+\/)?[A-Z*?][A-Za-z0-9*?]*$/,
    'expected a kind such as Deployment, or group/Kind such as apps/Deployment or core/ConfigMap',
  );
const changeTypes = z.array(z.enum(CHANGE_TYPES)).min(1);
const amount = z.union([z.number(), text], 'expected a number or a quantity such as 500m');
const scalar = z.union([z.string(), z.number(), z.boolean()], 'expected a text, number or boolean');

const objectMatch = z.strictObject({
  environments: texts.exactOptional(),
  kinds: z.array(kind).min(1).max(MAX_LIST).exactOptional(),
  namespaces: texts.exactOptional(),
  names: texts.exactOptional(),
  units: texts.exactOptional(),
  labels: z
    .union([text, z.record(text, z.string().max(63))], 'expected a selector such as tier!=batch')
    .exactOptional(),
  annotations: text.exactOptional(),
});

const effects = [
  'expected',
  'observe',
  'report',
  'approve-always',
  'severity:info',
  'severity:low',
  'severity:medium',
  'severity:high',
  'severity:critical',
] as const;

/** As in Argo CD, whose documentation says what the keys mean. */
const argocdEntry = z.strictObject({
  group: z.string().exactOptional(),
  kind: text,
  name: z.string().exactOptional(),
  namespace: z.string().exactOptional(),
  jsonPointers: z.array(text).max(MAX_PATHS).exactOptional(),
  jqPathExpressions: z.array(text).max(MAX_PATHS).exactOptional(),
  managedFieldsManagers: texts.exactOptional(),
});

/** As in Flux. */
const fluxEntry = z.strictObject({
  paths: z.array(z.string().max(1_024)).min(1).max(MAX_PATHS),
  target: z
    .strictObject({
      group: z.string().exactOptional(),
      version: z.string().exactOptional(),
      kind: text.exactOptional(),
      name: text.exactOptional(),
      namespace: text.exactOptional(),
      labelSelector: text.exactOptional(),
      annotationSelector: text.exactOptional(),
    })
    .exactOptional(),
});

export const ignoreRule = z.strictObject({
  id: id.exactOptional(),
  match: objectMatch.prefault({}),
  paths: z.array(text).min(1).max(MAX_PATHS).exactOptional(),
  by: z
    .strictObject({ managers: texts.exactOptional(), subresource: text.exactOptional() })
    .exactOptional(),
  bounds: z
    .strictObject({
      min: amount.exactOptional(),
      max: amount.exactOptional(),
      oneOf: z.array(scalar).min(1).max(MAX_LIST).exactOptional(),
      hpa: z.boolean().exactOptional(),
    })
    .exactOptional(),
  ops: z.array(z.enum(CHANGE_OPS)).min(1).exactOptional(),
  types: changeTypes.exactOptional(),
  effect: z.enum(effects).default('expected'),
  reason: text.exactOptional(),
  expires: z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], 'expected a date such as 2027-01-31')
    .exactOptional(),
  argocd: z.array(argocdEntry).min(1).max(MAX_LIST).exactOptional(),
  flux: z.array(fluxEntry).min(1).max(MAX_LIST).exactOptional(),
});

export const severityRule = z.strictObject({
  match: objectMatch.extend({
    types: changeTypes.exactOptional(),
    paths: z.array(text).min(1).max(MAX_PATHS).exactOptional(),
  }),
  severity: z.enum(SEVERITIES),
});
