import { z } from 'zod';
import { name } from './config-schema-parts.ts';

/** The shape of `drift:` in realign.yaml: where drifts are written down besides Postgres. */
export const drift = z.strictObject({
  records: z.enum(['off', 'units']).default('off'),
  space: name.default('realign-drifts'),
});
