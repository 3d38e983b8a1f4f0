import { setTimeout as sleep } from 'node:timers/promises';
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { DataConverter, SearchAttributeType } from '@temporalio/common';
import proto from '@temporalio/proto';
import { AppError } from '../lib/errors.ts';

export type TemporalOptions = {
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
export async function connectTemporal({
  address,
  namespace,
  dataConverter,
}: TemporalOptions): Promise<TemporalClient> {
  const retries = createRetries();
  const connection = await unavailableAs(address, () =>
    Connection.connect({
      address,
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
 * for ever). Registering twice is harmless. Temporal Cloud refuses it: there they are made by its own tools.
 */
export async function registerSearchAttributes(
  { client }: TemporalClient,
  namespace: string,
  attributes: readonly NamedAttribute[],
): Promise<void> {
  const { connection } = client;
  const service = connection.operatorService;
  const present = await service.listSearchAttributes({ namespace });
  const missing = attributes.filter(({ name }) => !(name in (present.customAttributes ?? {})));
  if (missing.length === 0) return;
  await service.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      missing.map(({ name }) => [name, INDEXED_VALUE_TYPES.INDEXED_VALUE_TYPE_KEYWORD]),
    ),
  });
}

async function unavailableAs<T>(address: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new AppError('TEMPORAL_UNAVAILABLE', `no answer from Temporal at ${address}`, {
      cause: error,
    });
  }
}
