import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { decide, explainRules, type PolicyFacts } from '../drift/decide/policy.ts';
import { CHANGE_TYPES, DIRECTIONS, SEVERITIES, worstSeverity } from '../drift/field-change.ts';
import { type Config, loadConfig } from '../lib/config.ts';
import { AppError } from '../lib/errors.ts';
import { productionFacts } from '../lib/production.ts';
import { type OutputFormat, renderTable, writeNote, writeResult } from './output.ts';

const MAX_FILE_CHARS = 8 * 1024 * 1024;

const labels = z.record(z.string(), z.string());
const object = z.looseObject({ metadata: z.looseObject({ labels: labels.optional() }) });

/** A record as the api shows it, or the few of its fields that rules look at, written by hand. */
const driftSchema = z.looseObject({
  environment: z.string(),
  kind: z.string(),
  namespace: z.string().default(''),
  name: z.string().default(''),
  severity: z.enum(SEVERITIES).nullish(),
  direction: z.enum(DIRECTIONS).nullish(),
  labels: labels.optional(),
  set_labels: labels.optional(),
  filters: z.array(z.string()).default([]),
  types: z.array(z.enum(CHANGE_TYPES)).default([]),
  managers: z.array(z.string()).default([]),
  flapping: z.boolean().default(false),
  drift_details: z
    .array(
      z.looseObject({
        type: z.enum(CHANGE_TYPES),
        severity: z.enum(SEVERITIES).default('info'),
        who: z.string().nullish(),
      }),
    )
    .default([]),
  desired_state: z.unknown().optional(),
  live_state: z.unknown().optional(),
});

/**
 * Explains what the configured rules make of one drift. Without ConfigHub at hand the Filters are taken from `--filter`, and what
 * happened lately (fights, blasts) is left out: this is about rules alone.
 */
export async function testPolicy(options: {
  readonly drift: string;
  readonly filter?: readonly string[];
  readonly at?: string;
  readonly config?: string;
  readonly output: OutputFormat;
}): Promise<void> {
  const config = loadConfig({
    env: process.env,
    ...(options.config !== undefined && { file: options.config }),
  });
  const facts = factsOf(readDrift(options.drift), options, config);
  const rules = explainRules(config.policies, facts);
  const { rule, outcome, because, policy } = decide(config.policies, facts, config.autoFix);
  const { quorum, approvers, offer, upgrade, unknownAuthor } = policy;
  const answer = {
    ...{
      rule,
      outcome,
      because: because ?? null,
      quorum,
      approvers,
      offer,
      upgrade,
      unknownAuthor,
    },
    rules: rules.map((one) => ({ rule: one.rule, mismatch: one.mismatch ?? null })),
  };
  const filters = [...new Set(config.policies.flatMap((one) => one.match.filters ?? []))];
  if (filters.length > 0 && facts.filters.length === 0) {
    writeNote(
      `Without --filter the unit counts as selected by no Filter; rules name ${filters.join(', ')}.`,
    );
  }
  writeResult(options.output, answer, () => {
    const decider = rules.findIndex((one) => one.mismatch === undefined);
    const table = renderTable(
      rules.map((one, index) => ({ ...one, index })),
      [
        { title: 'RULE', value: (one) => one.rule },
        {
          title: 'MATCHES',
          value: ({ index, mismatch }) => {
            if (mismatch !== undefined) return `no: ${mismatch}`;
            return index === decider ? 'yes: it decides' : 'yes, but a rule before it decides';
          },
        },
      ],
    );
    const why = because === undefined ? '' : ` (${because})`;
    const who = approvers.length === 0 ? 'everyone with the role approver' : approvers.join(', ');
    const asking = outcome === 'ask' ? `; ${quorum} of ${who}; offers to ${offer}` : '';
    return `${table}\n\n${rule}: ${outcome}${why}${asking}`;
  });
}

function readDrift(file: string): z.output<typeof driftSchema> {
  let data: unknown;
  try {
    const text = readFileSync(file === '-' ? 0 : file, 'utf8');
    if (text.length > MAX_FILE_CHARS) throw new Error(`it is over ${MAX_FILE_CHARS} characters`);
    data = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('INVALID_INPUT', `${file} cannot be read: ${reason}`, { cause: error });
  }
  const parsed = driftSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new AppError('INVALID_INPUT', `${file} is no drift: ${z.prettifyError(parsed.error)}`);
}

function factsOf(
  drift: z.output<typeof driftSchema>,
  { filter = [], at }: { readonly filter?: readonly string[]; readonly at?: string },
  config: Config,
): PolicyFacts {
  const atMs = at === undefined ? Date.now() : Date.parse(at);
  if (Number.isNaN(atMs)) {
    throw new AppError('INVALID_INPUT', `--at ${at} is no time; write 2026-12-24T18:00:00Z`);
  }
  const details = drift.drift_details;
  return {
    environment: drift.environment,
    ...productionFacts(config, drift.environment),
    kind: drift.kind,
    namespace: drift.namespace,
    name: drift.name,
    labels: { ...labelsOf(drift.live_state), ...labelsOf(drift.desired_state), ...drift.labels },
    ...(drift.set_labels && { setLabels: drift.set_labels }),
    filters: [...drift.filters, ...filter],
    types: [...new Set([...drift.types, ...details.map((one) => one.type)])],
    severity: drift.severity ?? worstSeverity(details.map((one) => one.severity)),
    direction: drift.direction ?? 'unknown',
    managers: [...new Set([...drift.managers, ...details.flatMap(({ who }) => who ?? [])])],
    flapping: drift.flapping,
    atMs,
  };
}

function labelsOf(state: unknown): Readonly<Record<string, string>> {
  return object.safeParse(state).data?.metadata.labels ?? {};
}
