import { type Overrides, withoutUndefined } from './config-environment.ts';
import { type Place, readSecret } from './config-files.ts';
import type { ConfigFile } from './config-schema.ts';
import { type TemporalAccess, toTemporalAccess } from './config-temporal-tls.ts';

const KEY_BYTES = 32;

/** A key of the payload codec: 32 bytes, and the name under which payloads say that they need it. */
export type CodecKey = { readonly id: string; readonly key: Uint8Array };

export type TemporalConfig = TemporalAccess & {
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly uiUrl: string;
  /** The first key encrypts, all of them decrypt; absent = payloads are readable in Temporal. */
  readonly codec?: {
    readonly keys: readonly CodecKey[];
    /** Lets the Temporal UI decode. */
    readonly token?: string;
  };
  /** Absent = workers are unversioned, and take every run. */
  readonly versioning?: {
    readonly deployment: string;
    /** Realign's own version when absent. */
    readonly buildId?: string;
    readonly behavior: 'auto-upgrade' | 'pinned';
  };
};

/** The section `temporal` with what the environment says over it. */
export function toTemporal(
  file: ConfigFile['temporal'],
  env: Overrides,
  place: Place,
): TemporalConfig {
  const { codec, versioning, apiKey, apiKeyFile, tls, ...plain } = file;
  const known = withoutUndefined({ apiKey, apiKeyFile, tls });
  return {
    ...plain,
    ...toTemporalAccess(known, env, place),
    ...withoutUndefined({
      address: env.temporalAddress,
      namespace: env.temporalNamespace,
      uiUrl: env.temporalUiUrl,
      versioning,
      codec: codec && toCodec(codec, place),
    }),
  };
}

type CodecEntry = NonNullable<ConfigFile['temporal']['codec']>;

function toCodec(file: CodecEntry, place: Place): TemporalConfig['codec'] {
  const refuse: Place['refuse'] = (path, message) => place.refuse(['temporal', ...path], message);
  const token = readSecret({ ...place, refuse }, ['codec', 'token'], file.token, file.tokenFile);
  return { keys: readKeys(file.keys, place), ...withoutUndefined({ token }) };
}

function readKeys(entries: CodecEntry['keys'], place: Place): readonly CodecKey[] {
  return entries.flatMap(({ id, key: inPlace, keyFile }, index) => {
    const path = ['temporal', 'codec', 'keys', index];
    const refuse: Place['refuse'] = (at, message) =>
      place.refuse([...path, ...at.slice(-1)], message);
    if (entries.findIndex((one) => one.id === id) < index) {
      refuse(['id'], `key ${id} is there twice`);
    }
    const text = readSecret({ ...place, refuse }, ['keys', 'key'], inPlace, keyFile);
    if (text === undefined) {
      if (inPlace === undefined && keyFile === undefined) refuse(['key'], 'give key or keyFile');
      return [];
    }
    const key = Buffer.from(text, 'base64');
    if (key.length === KEY_BYTES) return [{ id, key: new Uint8Array(key) }];
    refuse(['key'], 'expected 32 bytes in base64, as `openssl rand -base64 32` prints them');
    return [];
  });
}
