import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { createPayloadCodec } from '../clients/payload-codec.ts';
import type { Config } from '../lib/config.ts';

const FAILURE_CONVERTER = fileURLToPath(
  new URL('../workflows/failure-converter.ts', import.meta.url),
);

type TemporalPart = Pick<Config, 'temporal'>;

/** How clients and workers write payloads; nothing where `temporal.codec` is not configured. */
export function dataConverterOf({ temporal }: TemporalPart): { dataConverter?: DataConverter } {
  const { codec } = temporal;
  if (!codec) return {};
  const payloadCodecs = [createPayloadCodec(codec.keys)];
  return { dataConverter: { payloadCodecs, ...failureConverterOf({ temporal }) } };
}

/** What the workflow bundle must be made with, too. */
export function failureConverterOf({ temporal }: TemporalPart): { failureConverterPath?: string } {
  return temporal.codec ? { failureConverterPath: FAILURE_CONVERTER } : {};
}
