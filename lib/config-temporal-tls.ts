import { type Overrides, withoutUndefined } from './config-environment.ts';
import { type Place, pathFrom, readLimited, readSecret } from './config-files.ts';
import type { ConfigFile } from './config-schema.ts';

const MAX_PEM_BYTES = 256 * 1024;

/** How connections to Temporal are encrypted: all in PEM. */
export type TemporalTls = {
  /** Whom to trust; absent = the well-known authorities. */
  readonly ca?: string;
  /** Who we are, where Temporal asks for certificates. */
  readonly client?: { readonly cert: string; readonly key: string };
  /** The name in Temporal's certificate, where it is not the one in the address. */
  readonly serverName?: string;
};

export type TemporalAccess = {
  /** Absent = nothing is encrypted. */
  readonly tls?: TemporalTls;
  readonly apiKey?: string;
};

/** Reads what Temporal is to know us by. An API key turns encryption on by itself, as Temporal's own tools do. */
export function toTemporalAccess(
  file: Pick<ConfigFile['temporal'], 'apiKey' | 'apiKeyFile' | 'tls'>,
  env: Overrides,
  place: Place,
): TemporalAccess {
  const apiKey =
    env.temporalApiKey ?? readSecret(place, ['temporal', 'apiKey'], file.apiKey, file.apiKeyFile);
  const isOff = env.temporalTls === undefined ? file.tls === false : !env.temporalTls;
  const files = filesOf(file, env);
  if (isOff) {
    if (apiKey !== undefined || env.temporalTlsFiles) {
      place.refuse(['temporal', 'tls'], 'cannot be off with an API key or certificates');
    }
    return {};
  }
  const isOn = env.temporalTls || file.tls !== undefined || apiKey !== undefined;
  if (!isOn && !env.temporalTlsFiles) return {};
  return withoutUndefined({ tls: readTls(files, place), apiKey });
}

type TlsFiles = Exclude<NonNullable<ConfigFile['temporal']['tls']>, boolean>;

function filesOf({ tls }: Pick<ConfigFile['temporal'], 'tls'>, env: Overrides): TlsFiles {
  return { ...(typeof tls === 'object' && tls), ...env.temporalTlsFiles };
}

function readTls({ caFile, certFile, keyFile, serverName }: TlsFiles, place: Place): TemporalTls {
  const read = (name: string, file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    const found = readLimited(pathFrom(place.directory, file), MAX_PEM_BYTES);
    const error =
      'error' in found ? found.error : PEM.test(found.text) ? undefined : 'expected PEM';
    if (error !== undefined) place.refuse(['temporal', 'tls', name], error);
    return 'error' in found ? undefined : found.text;
  };
  const ca = read('caFile', caFile);
  const [cert, key] = [read('certFile', certFile), read('keyFile', keyFile)];
  if ((certFile === undefined) !== (keyFile === undefined)) {
    const missing = certFile === undefined ? 'certFile' : 'keyFile';
    place.refuse(['temporal', 'tls', missing], 'a certificate and its key belong together');
  }
  return withoutUndefined({
    ca,
    serverName,
    ...(cert !== undefined && key !== undefined && { client: { cert, key } }),
  });
}

const PEM = /-----BEGIN [A-Z ]+-----/;
