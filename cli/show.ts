import type { KnownBlock } from '@slack/types';
import { z } from 'zod';
import { AppError } from '../lib/errors.ts';
import { renderTerminal } from '../slack/terminal.ts';
import { type OutputFormat, writeResult } from './output.ts';
import { describeQuestion, findQuestion } from './questions.ts';
import { renderRecord } from './record.ts';
import { toResourceId } from './resource-name.ts';
import { createRest, type Rest } from './rest.ts';
import { type RecordAnswer, recordSchema } from './wire.ts';

/** Of Slack's blocks the renderer draws those that it knows and leaves out the others. */
const block = z.custom<KnownBlock>(
  (value) => z.looseObject({ type: z.string() }).safeParse(value).success,
);
const messageSchema = z.looseObject({ blocks: z.array(block) });

/** Ids of questions end in their number; names of resources have slashes or colons. */
const QUESTION_ID = /^[^/:]+-\d+$/;

/**
 * Prints one resource with every field that differs and, where people are asked about it, the question as Slack shows it. The id of a
 * question means the resource that it is about; one about a unit is printed itself.
 */
export async function showDrift(about: string, output: OutputFormat): Promise<void> {
  const rest = createRest(process.env);
  const question = QUESTION_ID.test(about) ? await findQuestion(rest, about) : undefined;
  if (question && !question.resource_id) {
    writeResult(output, question, () => describeQuestion(question));
    return;
  }
  const id = question ? `${question.environment}:${question.resource_id}` : toResourceId(about);
  const path = `/api/v1/drift-records/${encodeURIComponent(id)}`;
  const record = await rest.get(path, recordSchema);
  const card = output === 'table' && record.question_id ? await cardOf(rest, path) : undefined;
  writeResult(output, record, () =>
    [renderRecord(record), ...questionOf(record, card)].join('\n\n'),
  );
}

async function cardOf(rest: Rest, path: string): Promise<string | undefined> {
  try {
    const { blocks } = await rest.get(`${path}/message`, messageSchema);
    const { columns, isTTY } = process.stdout;
    return renderTerminal(
      { blocks },
      { color: isTTY === true, ...(columns && { width: columns }) },
    );
  } catch (error) {
    // An api that is older has none, and the facts are there without.
    if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** The card's buttons are Slack's; here it is answered by a command. */
function questionOf(
  { question_id: id }: RecordAnswer,
  card: string | undefined,
): readonly string[] {
  if (card === undefined) return [];
  return [
    `People are asked; in Slack it looks so:\n${card}\nrealign approve|reject|accept|snooze ${id}`,
  ];
}
