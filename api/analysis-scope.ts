import { z } from 'zod';

/** Longest name of an environment or an object. */
const MAX_NAME = 253;
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/names/: a DNS label (RFC 1123). */
const NAMESPACE = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** Kind, namespace or nothing, and a name, which is a segment of a path. */
const RESOURCE_ID = new RegExp(
  `^[A-Z][A-Za-z0-9]{0,62}:(?:${NAMESPACE})?:[^\\s/%]{1,${MAX_NAME}}$`,
);

/** What an analysis covers. All three narrow the run; nothing = every desired resource of every environment. */
export const analyzeBody = z.strictObject({
  environment: z.string().min(1).max(MAX_NAME).optional(),
  namespace: z
    .string()
    .regex(new RegExp(`^${NAMESPACE}$`), 'expected the name of a namespace')
    .optional(),
  resource: z.string().regex(RESOURCE_ID, 'expected Kind:namespace:name').optional(),
});
