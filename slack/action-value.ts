import { z } from 'zod';
import { AppError } from '../lib/errors.ts';

/** Ids of the elements that people press; `link.` begins those of buttons that only open a page. */
export const ACTIONS = {
  approve: 'approve',
  reject: 'reject',
  accept: 'accept',
  snooze: 'snooze',
  breakGlass: 'break-glass',
  /** Of a digest's button, with its number behind a dot: the value names the digest message and the group's digest. */
  approveGroup: 'approve-group',
} as const;
export const LINK_PREFIX = 'link.';

/** Callback ids of the modals that ask for a reason, and the one field in them. */
export const MODALS = { reject: 'reject', accept: 'accept', breakGlass: 'break-glass' } as const;
export const REASON_FIELD = 'reason';

export const SNOOZES = ['1h', '4h', '1d'] as const;
export type Snooze = (typeof SNOOZES)[number];

/** What a button refers to: a key to look the question up by, and what it said. No proof of anything. */
type ActionValue = {
  readonly question: string;
  /** What was on the screen of whoever pressed it. */
  readonly digest: string;
  readonly snoozeFor?: Snooze;
};

/** Of the two kinds of values, Slack's limit for options of a menu is the lower one (buttons: 2,000). */
export const MAX_OPTION_VALUE = 150;

const VERSION = 1;
const id = z.string().min(1).max(1_000);
const versioned = z.tuple([z.int()]).rest(z.unknown());
const tuple = z.union([
  z.tuple([z.literal(VERSION), id, id]),
  z.tuple([z.literal(VERSION), id, id, z.enum(SNOOZES)]),
]);

/** Short, because an option of a menu has 150 characters: the version, the question, the digest, how long to snooze. */
export function encodeValue({ question, digest, snoozeFor }: ActionValue): string {
  return JSON.stringify([VERSION, question, digest, ...(snoozeFor ? [snoozeFor] : [])]);
}

/** Throws INVALID_INPUT for what another release wrote, and for what no release did. */
export function decodeValue(value: string): ActionValue {
  const data = parseJson(value);
  const parsed = tuple.safeParse(data);
  if (parsed.success) {
    const [, question, digest, snoozeFor] = parsed.data;
    return { question, digest, ...(snoozeFor !== undefined && { snoozeFor }) };
  }
  const version = versioned.safeParse(data).data?.[0] ?? VERSION;
  throw new AppError(
    'INVALID_INPUT',
    version !== VERSION
      ? 'this message is from another release of Realign; use a newer one, or the command line'
      : 'this button cannot be read',
  );
}

/** What a modal remembers between being opened and being sent. */
type ModalNote = { readonly value: string; readonly channel?: string };

const note = z.tuple([z.literal(VERSION), z.string().max(2_000), z.string().max(100).nullable()]);

export function encodeNote({ value, channel }: ModalNote): string {
  return JSON.stringify([VERSION, value, channel ?? null]);
}

/** Throws INVALID_INPUT for what another release wrote. */
export function decodeNote(text: string): ModalNote {
  const parsed = note.safeParse(parseJson(text));
  if (!parsed.success) throw new AppError('INVALID_INPUT', 'this form is from another release');
  const [, value, channel] = parsed.data;
  return { value, ...(channel !== null && { channel }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
