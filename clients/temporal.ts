import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { DataConverter, SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { TemporalAccess } from '../lib/config-temporal-tls.ts';
import { AppError } from '../lib/errors.ts';

export type TemporalOptions = TemporalAccess & {
  readonly address: string;
  readonly namespace: string;
  /** How payloads are written; the workers' must be the same. */
  readonly dataConverter?: DataConverter;
};

export type TemporalClient = {
  readonly client: Client;
  /** Rejects with TEMPORAL_UNAVAILABLE when the server or the namespace cannot be reached. */
  ping(): Promise<void>;
  close(): Promise<void>;
};

const PING_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 5_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]):/;

/** Connects once; the connection mends itself later. Rejects with TEMPORAL_UNAVAILABLE. */
export async function connectTemporal(options: TemporalOptions): Promise<TemporalClient> {
  const { address, namespace, dataConverter } = options;
  const retries = createRetries();
  const connection = await unavailableAs(address, () =>
    Connection.connect({
      address,
      ...transportOf(options),
      connectTimeout: CONNECT_TIMEOUT_MS,
      interceptors: [retries.interceptor],
      // gRPC would ask the proxy of `https_proxy` even for this machine, which no proxy can reach.
      ...(LOOPBACK.test(address) && { channelArgs: { 'grpc.enable_http_proxy': 0 } }),
    }),
  );
  return {
    client: new Client({ connection, namespace, ...(dataConverter && { dataConverter }) }),
    async ping() {
      await unavailableAs(address, () =>
        connection.withDeadline(Date.now() + PING_TIMEOUT_MS, () =>
          connection.workflowService.describeNamespace({ namespace }),
        ),
      );
    },
    async close() {
      await retries.end();
      await connection.close();
    },
  };
}

/** How the SDK's connections are to be made, the clients' and the workers' alike. */
export function transportOf({ tls, apiKey }: TemporalAccess) {
  return {
    ...(apiKey !== undefined && { apiKey }),
    ...(tls && {
      tls: {
        ...(tls.serverName !== undefined && { serverNameOverride: tls.serverName }),
        ...(tls.ca !== undefined && { serverRootCACertificate: Buffer.from(tls.ca) }),
        ...(tls.client && {
          clientCertPair: { crt: Buffer.from(tls.client.cert), key: Buffer.from(tls.client.key) },
        }),
      },
    }),
  };
}

/**
 * The client's usual retries, which can be ended. A retry that falls due on a connection that is closed meanwhile throws where
 * nobody can catch it, and ends the process: https://github.com/temporalio/sdk-typescript, packages/client/src/grpc-retry.ts
 */
function createRetries() {
  const usual = defaultGrpcRetryOptions();
  let isEnded = false;
  let lastDueMs = 0;
  const interceptor = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !isEnded && usual.retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      const delayMs = usual.delayFunction(attempt, status);
      lastDueMs = Math.max(lastDueMs, Date.now() + delayMs);
      return delayMs;
    },
  });
  return {
    interceptor,
    /** Lets no retry begin any more, and waits for those that are due: seconds, and only while Temporal is away. */
    async end(): Promise<void> {
      isEnded = true;
      // Later than timers of the same millisecond.
      if (lastDueMs > Date.now()) await sleep(lastDueMs - Date.now() + 1);
    },
  };
}

type NamedAttribute = { readonly name: string; readonly type: SearchAttributeType };

const INDEXED_VALUE_TYPES = proto.temporal.api.enums.v1.IndexedValueType;

/**
 * Registers what is missing, so that a workflow never meets an attribute that the namespace does not know (its task would fail
 * for ever). Registering twice is harmless. Temporal Cloud lets nobody register over this door: there it is only checked that they are
 * there, and TEMPORAL_REFUSED says how to make them.
 */
export async function registerSearchAttributes(
  temporal: TemporalClient,
  namespace: string,
  attributes: readonly NamedAttribute[],
): Promise<void> {
  const { operatorService } = temporal.client.connection;
  try {
    const present = await operatorService.listSearchAttributes({ namespace });
    const missing = attributes.filter(({ name }) => !(name in (present.customAttributes ?? {})));
    if (missing.length === 0) return;
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(
        missing.map(({ name }) => [name, INDEXED_VALUE_TYPES.INDEXED_VALUE_TYPE_KEYWORD]),
      ),
    });
  } catch (error) {
    if (!isGrpcServiceError(error) || !NO_OPERATOR.has(error.code)) throw error;
    await requireSearchAttributes(temporal, namespace, attributes);
  }
}

const NO_OPERATOR: ReadonlySet<number> = new Set([7, 12]); // PERMISSION_DENIED, UNIMPLEMENTED

/** A query that names one which there is not is refused. */
async function requireSearchAttributes(
  { client }: TemporalClient,
  namespace: string,
  attributes: readonly NamedAttribute[],
): Promise<void> {
  const missing: string[] = [];
  for (const { name } of attributes) {
    const query = `${name} = 'none'`;
    try {
      await client.connection.workflowService.countWorkflowExecutions({ namespace, query });
    } catch (error) {
      if (!isGrpcServiceError(error) || error.code !== INVALID_ARGUMENT) throw error;
      missing.push(name);
    }
  }
  if (missing.length === 0) return;
  const repair = `Make them, of type Keyword: \`${missing.map((name) => `tcld namespace search-attributes add --namespace ${namespace} --search-attribute ${name}=Keyword`).join('; ')}\`.`;
  throw new AppError(
    'TEMPORAL_REFUSED',
    `the namespace ${namespace} has no search attribute ${missing.join(', ')}, and lets nobody register them from here`,
    { details: { repair } },
  );
}

const INVALID_ARGUMENT = 3;

async function unavailableAs<T>(address: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== undefined) {
      throw new AppError('TEMPORAL_REFUSED', `Temporal at ${address}: ${refusal}`, {
        cause: error,
      });
    }
    throw new AppError('TEMPORAL_UNAVAILABLE', `no answer from Temporal at ${address}`, {
      cause: error,
    });
  }
}

const REFUSALS: ReadonlySet<number> = new Set([7, 16]); // PERMISSION_DENIED, UNAUTHENTICATED

/** What Temporal says of who we are, in its own words. */
function refusalOf(error: unknown): string | undefined {
  if (isGrpcServiceError(error) && REFUSALS.has(error.code)) return error.details || error.message;
  return error instanceof Error && error.cause !== undefined ? refusalOf(error.cause) : undefined;
}
