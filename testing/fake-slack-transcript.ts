import { findChannel, type Workspace } from './fake-slack-workspace.ts';

/** What people see: channels with messages, threads under their headlines, then what single persons were shown, modals and homes. */
export function transcriptOf(workspace: Workspace): string {
  const channels = [...workspace.channels.values()].flatMap(({ id, name }) => {
    const own = workspace.messages.filter((one) => one.channel === id);
    const heads = own.filter((one) => one.thread_ts === undefined);
    if (heads.length === 0) return [];
    return [
      `#${name}`,
      ...heads.flatMap((head) => [
        ...indent(readable(head), '  '),
        ...own
          .filter((one) => one.thread_ts === head.ts)
          .flatMap((reply) => indent(readable(reply), '    ↳ ')),
      ]),
    ];
  });
  const seen = workspace.ephemerals.flatMap((one) => {
    const channel = findChannel(workspace, one.channel)?.name ?? one.channel;
    return indent(readable(one), `(#${channel}, only ${nameOf(workspace, one.user)}) `);
  });
  const views = workspace.views.flatMap(({ user, view }) =>
    indent(readable({ text: '', blocks: view.blocks }), `[modal of ${nameOf(workspace, user)}] `),
  );
  const homes = [...workspace.homes].flatMap(([user, view]) =>
    indent(readable({ text: '', blocks: view.blocks }), `[home of ${nameOf(workspace, user)}] `),
  );
  return [...channels, ...seen, ...views, ...homes].join('\n');
}

/** The lines of a message as people read them: buttons in brackets; without blocks, its text. */
export function readable(message: {
  readonly text: string;
  readonly blocks: readonly unknown[];
}): readonly string[] {
  if (message.blocks.length === 0) return message.text.split('\n');
  return message.blocks.flatMap((block) => linesOf(block));
}

function linesOf(block: unknown): readonly string[] {
  const { type, ...rest } = block as Record<string, unknown>;
  if (type === 'divider') return ['---'];
  if (type === 'actions') return [list(rest['elements']).map(labelOf).join(' ')];
  if (type === 'context') return [list(rest['elements']).map(flat).join(' · ')];
  if (type === 'table') return list(rest['rows']).map((row) => list(row).map(flat).join(' | '));
  if (type === 'rich_text') return list(rest['elements']).flatMap((one) => flat(one).split('\n'));
  if (type === 'input') return [`${flat(rest['label'])}: ____`];
  const fields = list(rest['fields']).map(flat);
  const accessory = rest['accessory'] === undefined ? [] : [labelOf(rest['accessory'])];
  return [...flat(rest['text']).split('\n'), ...fields, ...accessory].filter((line) => line !== '');
}

/** `[Approve fix]`, `[⋯ 1 hour / 4 hours]`. */
function labelOf(element: unknown): string {
  const { text, options } = element as Record<string, unknown>;
  if (options !== undefined) return `[⋯ ${list(options).map(flat).join(' / ')}]`;
  return `[${flat(text)}]`;
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(flat).join('');
  if (typeof value !== 'object' || value === null) return '';
  const { type, text, elements, name, user_id, usergroup_id, fallback, url } = value as Record<
    string,
    unknown
  >;
  if (type === 'emoji') return `:${String(name)}:`;
  if (type === 'user') return `<@${String(user_id)}>`;
  if (type === 'usergroup') return `<!subteam^${String(usergroup_id)}>`;
  if (type === 'date') return String(fallback ?? '');
  if (type === 'link') return String(text ?? url);
  if (type === 'rich_text_list')
    return list(elements)
      .map((one) => `• ${flat(one)}`)
      .join('\n');
  return flat(text ?? elements);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function indent(lines: readonly string[], first: string): readonly string[] {
  const rest = ' '.repeat(first.length);
  return lines.map((line, at) => `${at === 0 ? first : rest}${line}`);
}

function nameOf(workspace: Workspace, user: string): string {
  return workspace.users.get(user)?.name ?? user;
}
