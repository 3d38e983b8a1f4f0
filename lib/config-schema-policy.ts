import { z } from 'zod';
import { ACTORS } from '../drift/decide/policy-rule.ts';
import { CHANGE_TYPES, DIRECTIONS, SEVERITIES } from '../drift/field-change.ts';
import { compileGlob } from '../drift/text-pattern.ts';
import { WEEKDAYS } from '../drift/time-window.ts';
import {
  DAY_MS,
  duration,
  HOUR_MS,
  labels,
  MAX_LIST,
  MINUTE_MS,
  name,
  names,
  SECOND_MS,
  text,
} from './config-schema-parts.ts';

/** The shape of `policies:` and `guards:` in realign.yaml. docs/approvals.md explains both. */

export const MAX_POLICIES = 200;
const MAX_WINDOWS = 20;

const globs = z
  .array(text.refine(isGlob, 'expected a name, in which * and ? stand for other characters'))
  .min(1, 'expected at least one; leave the key out for "any"')
  .max(MAX_LIST);
const part = z.number().gt(0).lt(1);
const clockTime = z
  .string()
  .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'expected a time of day such as "09:00"');
const date = z.iso.date('expected a day such as 2026-12-24');

const windowShape = {
  days: z.array(z.enum(WEEKDAYS)).min(1).exactOptional(),
  from: clockTime.exactOptional(),
  to: clockTime.exactOptional(),
  since: date.exactOptional(),
  until: date.exactOptional(),
  timeZone: text.refine(isTimeZone, 'expected a time zone such as Europe/Berlin').default('UTC'),
};
type Stretch = { from?: string; to?: string; since?: string; until?: string };
const hasLength = ({ from, to, since, until }: Stretch) =>
  (from === undefined || from !== to) &&
  (since === undefined || until === undefined || since <= until);
const NO_LENGTH = 'ends where or before it begins';

const timeWindow = z.strictObject(windowShape).refine(hasLength, NO_LENGTH);
const freeze = z
  .strictObject({ ...windowShape, bars: z.enum(['auto', 'all']).default('auto') })
  .refine(hasLength, NO_LENGTH);

const policyMatch = z.strictObject({
  environments: names.exactOptional(),
  filters: names.exactOptional(),
  kinds: names.exactOptional(),
  namespaces: names.exactOptional(),
  names: globs.exactOptional(),
  types: z.array(z.enum(CHANGE_TYPES)).min(1).exactOptional(),
  directions: z.array(z.enum(DIRECTIONS)).min(1).exactOptional(),
  minSeverity: z.enum(SEVERITIES).exactOptional(),
  severities: z.array(z.enum(SEVERITIES)).min(1).exactOptional(),
  labels: labels.exactOptional(),
  setLabels: labels.exactOptional(),
  managers: globs.exactOptional(),
  actors: z.array(z.enum(ACTORS)).min(1).exactOptional(),
  flapping: z.boolean().exactOptional(),
  times: z.array(timeWindow).min(1).max(MAX_WINDOWS).exactOptional(),
});

export const policy = z.strictObject({
  name,
  match: policyMatch.prefault({}),
  outcome: z.enum(['auto', 'ask', 'notify', 'track']),
  upgrade: z.enum(['never', 'with-fix']).default('never'),
  offer: z.enum(['revert', 'accept']).default('revert'),
  quorum: z.int().min(1).max(20).default(1),
  approvers: z.array(text).max(MAX_LIST).default([]),
  selfApproval: z.boolean().default(false),
  breakGlass: z.array(text).min(1).max(MAX_LIST).exactOptional(),
  unknownAuthor: z.enum(['allow', 'extra-approver']).exactOptional(),
  expiry: duration(SECOND_MS, 90 * DAY_MS).prefault('24h'),
  remindersAt: z
    .array(part)
    .max(10)
    .default([0.25, 0.5, 0.9])
    .refine(
      (parts) => parts.every((one, index) => index === 0 || one > (parts[index - 1] ?? 0)),
      'expected growing parts of the time until expiry, such as [0.5, 0.9]',
    ),
  escalation: z.strictObject({ at: part, to: names }).exactOptional(),
  coolDown: duration(0, 7 * DAY_MS).prefault('0s'),
  maxFixesPerHour: z.int().min(1).max(100_000).exactOptional(),
  freezes: z.array(freeze).max(MAX_WINDOWS).default([]),
  dryRun: z.boolean().default(false),
  receivers: z.array(name).min(1).max(MAX_LIST).exactOptional(),
});

const enabled = z.boolean().default(true);

/** What holds automatic fixes back, whatever the rules say. */
export const guards = z.strictObject({
  hold: duration(0, HOUR_MS).prefault('60s'),
  announceAfter: duration(0, HOUR_MS).prefault('60s'),
  flapping: z
    .strictObject({
      times: z.int().min(2).max(1_000).default(3),
      within: duration(MINUTE_MS, DAY_MS).prefault('10m'),
      shorterThan: duration(SECOND_MS, HOUR_MS).prefault('60s'),
    })
    .prefault({}),
  backOff: z
    .strictObject({
      enabled,
      steps: z
        .array(duration(0, DAY_MS))
        .min(1)
        .max(20)
        .prefault(['0s', '10s', '30s', '90s', '270s', '15m']),
      quiet: duration(SECOND_MS, DAY_MS).prefault('30m'),
    })
    .prefault({}),
  fight: z
    .strictObject({
      enabled,
      fixes: z.int().min(1).max(1_000).default(3),
      fixesAgainstPeople: z.int().min(1).max(1_000).default(2),
      within: duration(MINUTE_MS, DAY_MS).prefault('15m'),
      fixesPerDay: z.int().min(1).max(1_000).default(6),
      enforceFor: duration(MINUTE_MS, DAY_MS).prefault('1h'),
    })
    .prefault({}),
  blast: z
    .strictObject({
      enabled,
      objects: z.int().min(1).max(1_000_000).default(20),
      percent: z.number().gt(0).max(100).default(10),
      within: duration(SECOND_MS, HOUR_MS).prefault('2m'),
    })
    .prefault({}),
});

function isGlob(pattern: string): boolean {
  try {
    compileGlob(pattern);
    return true;
  } catch {
    return false;
  }
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
