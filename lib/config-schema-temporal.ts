import { z } from 'zod';
import { hostAndPort, name, secret, text, webUrl } from './config-schema-parts.ts';

/** Old keys stay only until the last history that was encrypted under them is gone. */
const MAX_CODEC_KEYS = 20;

const codecKey = z.strictObject({
  id: name,
  key: text.exactOptional(),
  keyFile: text.exactOptional(),
});

/** Files of PEM; `true` alone trusts the well-known authorities. */
const tls = z.union([
  z.boolean(),
  z.strictObject({
    caFile: text.exactOptional(),
    certFile: text.exactOptional(),
    keyFile: text.exactOptional(),
    serverName: text.exactOptional(),
  }),
]);

/** How Temporal is reached, and what it gets to see and to know. */
export const temporal = z.strictObject({
  address: hostAndPort.default('127.0.0.1:7233'),
  namespace: text.default('default'),
  taskQueue: text.default('realign'),
  uiUrl: webUrl.prefault('http://127.0.0.1:8233'),
  apiKey: secret.exactOptional(),
  apiKeyFile: text.exactOptional(),
  tls: tls.exactOptional(),
  codec: z
    .strictObject({
      keys: z.array(codecKey).min(1).max(MAX_CODEC_KEYS),
      token: secret.exactOptional(),
      tokenFile: text.exactOptional(),
    })
    .exactOptional(),
  versioning: z
    .strictObject({
      deployment: name.default('realign'),
      buildId: text.exactOptional(),
      behavior: z.enum(['auto-upgrade', 'pinned']).default('auto-upgrade'),
    })
    .exactOptional(),
});
