import { z } from 'zod';

/** What Slack takes for a message or a view; the numbers are those of its reference pages, the total was found by users. */
const MAX_MESSAGE_BLOCKS = 50;
const MAX_VIEW_BLOCKS = 100;
const MAX_TOTAL_CHARACTERS = 13_000;
const MAX_TEXT = 40_000;
const MAX_METADATA_CHARACTERS = 8_000;

export type Refusal = { readonly error: string; readonly messages?: readonly string[] };

const plain = (max: number) =>
  z.strictObject({
    type: z.literal('plain_text'),
    text: z.string().min(1).max(max),
    emoji: z.boolean().optional(),
  });
const mrkdwn = (max: number) =>
  z.strictObject({
    type: z.literal('mrkdwn'),
    text: z.string().min(1).max(max),
    verbatim: z.boolean().optional(),
  });
const text = (max: number) => z.union([plain(max), mrkdwn(max)]);
const id = z.string().min(1).max(255);
const url = z.url({ protocol: /^(https?|slack|mailto)$/ }).max(3_000);

const confirm = z.strictObject({
  title: plain(100),
  text: text(300),
  confirm: plain(30),
  deny: plain(30),
  style: z.enum(['primary', 'danger']).optional(),
});
const option = z.strictObject({
  text: text(75),
  value: z.string().min(1).max(150),
  description: plain(75).optional(),
  url: url.optional(),
});
const button = z.strictObject({
  type: z.literal('button'),
  text: plain(75),
  action_id: id.optional(),
  url: url.optional(),
  value: z.string().min(1).max(2_000).optional(),
  style: z.enum(['primary', 'danger']).optional(),
  confirm: confirm.optional(),
  accessibility_label: z.string().max(75).optional(),
});
const overflow = z.strictObject({
  type: z.literal('overflow'),
  action_id: id.optional(),
  options: z.array(option).min(1).max(5),
  confirm: confirm.optional(),
});
const select = z.strictObject({
  type: z.literal('static_select'),
  action_id: id.optional(),
  placeholder: plain(150).optional(),
  options: z.array(option).min(1).max(100),
  initial_option: option.optional(),
  confirm: confirm.optional(),
});
const image = z.strictObject({
  type: z.literal('image'),
  image_url: url,
  alt_text: z.string().min(1).max(2_000),
});
const pressable = z.union([button, overflow, select]);

const style = z.partialRecord(z.enum(['bold', 'italic', 'strike', 'code']), z.boolean());
const literal = z.strictObject({
  type: z.literal('text'),
  text: z.string().min(1),
  style: style.optional(),
});
const link = z.strictObject({
  type: z.literal('link'),
  url,
  text: z.string().optional(),
  unsafe: z.boolean().optional(),
  style: style.optional(),
});
const inline = z.union([
  literal,
  link,
  z.strictObject({
    type: z.literal('user'),
    user_id: z.string().regex(/^[UW]/),
    style: style.optional(),
  }),
  z.strictObject({ type: z.literal('usergroup'), usergroup_id: z.string().regex(/^S/) }),
  z.strictObject({ type: z.literal('channel'), channel_id: z.string().regex(/^C/) }),
  z.strictObject({
    type: z.literal('emoji'),
    name: z.string().min(1),
    unicode: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('date'),
    timestamp: z.int(),
    format: z.string().min(1),
    fallback: z.string().optional(),
    url: url.optional(),
  }),
]);
const richSection = z.strictObject({
  type: z.literal('rich_text_section'),
  elements: z.array(inline).min(1),
});
const richText = z.strictObject({
  type: z.literal('rich_text'),
  block_id: id.optional(),
  elements: z
    .array(
      z.union([
        richSection,
        z.strictObject({
          type: z.literal('rich_text_list'),
          style: z.enum(['bullet', 'ordered']),
          elements: z.array(richSection).min(1),
          indent: z.int().min(0).max(8).optional(),
          offset: z.int().optional(),
          border: z.int().optional(),
        }),
        z.strictObject({
          type: z.literal('rich_text_preformatted'),
          elements: z.array(z.union([literal, link])).min(1),
          border: z.int().optional(),
          language: z.string().optional(),
        }),
        z.strictObject({
          type: z.literal('rich_text_quote'),
          elements: z.array(inline).min(1),
          border: z.int().optional(),
        }),
      ]),
    )
    .min(1),
});
const cell = z.union([
  z.strictObject({ type: z.literal('raw_text'), text: z.string().min(1) }),
  richText.omit({ block_id: true }),
]);

const block_id = id.optional();
const anywhere = [
  z.strictObject({ type: z.literal('header'), block_id, text: plain(150) }),
  z.strictObject({
    type: z.literal('section'),
    block_id,
    text: text(3_000).optional(),
    fields: z.array(text(2_000)).min(1).max(10).optional(),
    accessory: z.union([pressable, image]).optional(),
    expand: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('context'),
    block_id,
    elements: z
      .array(z.union([text(2_000), image]))
      .min(1)
      .max(10),
  }),
  z.strictObject({
    type: z.literal('actions'),
    block_id,
    elements: z.array(pressable).min(1).max(25),
  }),
  z.strictObject({ type: z.literal('divider'), block_id }),
  richText,
] as const;
const table = z.strictObject({
  type: z.literal('table'),
  block_id,
  rows: z.array(z.array(cell).min(1).max(20)).min(1).max(100),
  column_settings: z
    .array(z.looseObject({ align: z.enum(['left', 'center', 'right']).optional() }).nullable())
    .max(20)
    .optional(),
});
const input = z.strictObject({
  type: z.literal('input'),
  block_id,
  label: plain(2_000),
  hint: plain(2_000).optional(),
  optional: z.boolean().optional(),
  dispatch_action: z.boolean().optional(),
  element: z.union([
    select,
    z.strictObject({
      type: z.literal('plain_text_input'),
      action_id: id.optional(),
      placeholder: plain(150).optional(),
      initial_value: z.string().max(3_000).optional(),
      multiline: z.boolean().optional(),
      min_length: z.int().min(0).max(3_000).optional(),
      max_length: z.int().min(1).max(3_000).optional(),
      focus_on_load: z.boolean().optional(),
    }),
  ]),
});

const messageBlock = z.union([...anywhere, table]);
const viewBlock = z.union([...anywhere, input]);
const metadata = z.strictObject({
  event_type: z.string().min(1),
  event_payload: z.record(z.string(), z.unknown()),
});
const view = z.strictObject({
  type: z.enum(['modal', 'home']),
  title: plain(24).optional(),
  blocks: z.array(z.unknown()).max(MAX_VIEW_BLOCKS),
  submit: plain(24).optional(),
  close: plain(24).optional(),
  private_metadata: z.string().max(3_000).optional(),
  callback_id: z.string().max(255).optional(),
  clear_on_close: z.boolean().optional(),
  notify_on_close: z.boolean().optional(),
  external_id: z.string().max(255).optional(),
});

/** Why Slack would not take this message, in its words; undefined when it would. */
export function refuseMessage(message: {
  readonly text?: unknown;
  readonly blocks?: unknown;
  readonly metadata?: unknown;
}): Refusal | undefined {
  // Slack takes blocks without text, and then reads nothing to whoever cannot see them.
  if (typeof message.text !== 'string' || message.text === '') return { error: 'no_text' };
  if (message.text.length > MAX_TEXT) return { error: 'msg_too_long' };
  if (message.metadata !== undefined) {
    if (!metadata.safeParse(message.metadata).success) return { error: 'invalid_metadata_format' };
    if (JSON.stringify(message.metadata).length > MAX_METADATA_CHARACTERS)
      return { error: 'metadata_too_large' };
  }
  if (message.blocks === undefined) return undefined;
  if (!Array.isArray(message.blocks)) return { error: 'invalid_blocks_format' };
  return refuseBlocks(message.blocks, messageBlock, MAX_MESSAGE_BLOCKS);
}

/** The same for a modal or an App Home. */
export function refuseView(given: unknown): Refusal | undefined {
  const parsed = view.safeParse(given);
  if (!parsed.success) return invalid('invalid_arguments', parsed.error);
  const { type, title, submit, blocks } = parsed.data;
  const hasInput = blocks.some(
    (one) => z.object({ type: z.literal('input') }).safeParse(one).success,
  );
  if (type === 'modal' && !title)
    return { error: 'invalid_arguments', messages: ['missing required field: title'] };
  if (type === 'modal' && hasInput && !submit)
    return { error: 'invalid_arguments', messages: ['submit is required with inputs'] };
  return refuseBlocks(blocks, viewBlock, MAX_VIEW_BLOCKS);
}

function refuseBlocks(
  blocks: readonly unknown[],
  shape: z.ZodType,
  maxBlocks: number,
): Refusal | undefined {
  if (blocks.length > maxBlocks) return { error: 'invalid_blocks', messages: ['too many blocks'] };
  const ids: string[] = [];
  let tables = 0;
  for (const [at, block] of blocks.entries()) {
    const parsed = shape.safeParse(block);
    if (!parsed.success) return invalid('invalid_blocks', parsed.error, `/blocks/${at}`);
    const named = z.looseObject({ type: z.string(), block_id: id.optional() }).parse(block);
    if (named.block_id !== undefined) ids.push(named.block_id);
    if (named.type === 'table') tables += 1;
    const twin = twinOf(actionIdsIn(block));
    if (twin !== undefined)
      return { error: 'invalid_blocks', messages: [`action_id "${twin}" already exists`] };
  }
  const twin = twinOf(ids);
  if (twin !== undefined)
    return { error: 'invalid_blocks', messages: [`block_id "${twin}" already exists`] };
  if (tables > 1) return { error: 'invalid_attachments', messages: ['only one table is allowed'] };
  if (charactersIn(blocks) > MAX_TOTAL_CHARACTERS) return { error: 'msg_blocks_too_long' };
  return undefined;
}

function invalid(error: string, { issues }: z.ZodError, at = ''): Refusal {
  const messages = issues.map(
    (issue) => `[ERROR] ${issue.message} [json-pointer:${[at, ...issue.path].join('/')}]`,
  );
  return { error, messages };
}

function twinOf(names: readonly string[]): string | undefined {
  return names.find((name, at) => names.indexOf(name) < at);
}

function actionIdsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(actionIdsIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'action_id' && typeof inner === 'string' ? [inner] : actionIdsIn(inner),
  );
}

/** Everything that is shown; ids and values do not count. */
export function charactersIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + charactersIn(one), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, inner]) =>
      sum + (key === 'text' && typeof inner === 'string' ? inner.length : charactersIn(inner)),
    0,
  );
}
