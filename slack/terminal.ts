import type {
  ActionsBlock,
  Button,
  ContextBlock,
  KnownBlock,
  Overflow,
  RichTextBlockElement,
  RichTextElement,
} from '@slack/types';
import type { Message } from './render.ts';

/** A message of ours for the terminal: the same blocks that Slack gets, drawn with characters. */

type Options = { readonly width?: number; readonly color?: boolean };
/** A piece of a line; `style` is the number of the escape sequence. */
type Span = { readonly words: string; readonly style?: 1 | 2 | 36 };

const WIDTH = 100;
const MIN_WIDTH = 40;
const BAR = '┃ ';

/** Lines of text without a line break at the end. Markup and escape sequences in outside text were taken out by the renderer. */
export function renderTerminal({ blocks }: Pick<Message, 'blocks'>, options: Options = {}): string {
  const width = Math.max(MIN_WIDTH, options.width ?? WIDTH) - BAR.length;
  const drawn = blocks.map((block) => drawBlock(block, width));
  const lines = drawn.flatMap((some, at) =>
    at > 0 && startsApart(blocks[at]) ? [[], ...some] : some,
  );
  const paint = options.color === true ? painted : plainOf;
  return lines.map((line) => `${BAR}${paint(line)}`.trimEnd()).join('\n');
}

function startsApart(block: KnownBlock | undefined): boolean {
  return block?.type === 'rich_text' || block?.type === 'actions' || block?.type === 'header';
}

function drawBlock(block: KnownBlock, width: number): readonly (readonly Span[])[] {
  switch (block.type) {
    case 'header':
      return wrap([{ words: block.text.text, style: 1 }], width);
    case 'context':
      return wrap([{ words: drawContext(block), style: 2 }], width);
    case 'rich_text':
      return block.elements.flatMap((one) => drawRich(one, width));
    case 'actions':
      return drawActions(block, width);
    case 'divider':
      return [[{ words: '─'.repeat(width), style: 2 }]];
    default:
      return [];
  }
}

function drawContext({ elements }: ContextBlock): string {
  const words = elements.map((one) => ('text' in one ? withoutMarkup(one.text) : ''));
  return words.filter((one) => one !== '').join(' · ');
}

/** Our own markup holds nothing but words and times. */
function withoutMarkup(words: string): string {
  return words.replaceAll(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '$1').replaceAll('*', '');
}

/** Buttons in one line, then each link in its own, however long: a broken one cannot be followed. */
function drawActions({ elements }: ActionsBlock, width: number): readonly (readonly Span[])[] {
  const isLink = (one: (typeof elements)[number]) => one.type === 'button' && one.url !== undefined;
  const buttons = elements.filter((one) => !isLink(one)).map(drawAction);
  const links = elements.filter(isLink).map(drawAction);
  return [
    ...(buttons.length > 0 ? wrap([{ words: buttons.join('  '), style: 36 }], width) : []),
    ...links.map((words) => [{ words, style: 36 } as const]),
  ];
}

function drawAction(element: ActionsBlock['elements'][number]): string {
  if (element.type === 'button') return drawButton(element);
  return element.type === 'overflow' ? drawMenu(element) : '';
}

function drawButton({ text, url, style }: Button): string {
  if (url !== undefined) return `↗ ${text.text}: ${url}`;
  return unbroken(style === 'primary' ? `[ ▶ ${text.text} ]` : `[ ${text.text} ]`);
}

function drawMenu({ options }: Overflow): string {
  return unbroken(`[ ⋯ ${options.map((one) => one.text.text).join(' / ')} ]`);
}

function unbroken(words: string): string {
  return words.replaceAll(' ', '\u00a0');
}

function drawRich(element: RichTextBlockElement, width: number): readonly (readonly Span[])[] {
  switch (element.type) {
    case 'rich_text_section':
      return wrap(element.elements.map(spanOf), width);
    case 'rich_text_list':
      return element.elements.flatMap((item) =>
        prefixed(wrap(item.elements.map(spanOf), width - 4), '  • ', '    '),
      );
    case 'rich_text_quote':
      return prefixed(wrap(element.elements.map(spanOf), width - 2), '│ ', '│ ');
    case 'rich_text_preformatted': {
      const spans = element.elements.map(spanOf);
      return prefixed(wrap(spans, width - 4), '  │ ', '  │ ');
    }
  }
}

function spanOf(element: RichTextElement): Span {
  switch (element.type) {
    case 'text':
      return styled(element.text, element.style);
    case 'date':
      return { words: element.fallback ?? '' };
    case 'link':
      return { words: element.text ?? element.url };
    case 'user':
      return { words: `@${element.user_id}` };
    case 'usergroup':
      return { words: `@${element.usergroup_id}` };
    default:
      return { words: '' };
  }
}

function styled(words: string, style: { bold?: boolean; code?: boolean } | undefined): Span {
  if (style?.bold) return { words, style: 1 };
  return style?.code ? { words, style: 36 } : { words };
}

function prefixed(
  lines: readonly (readonly Span[])[],
  first: string,
  others: string,
): readonly (readonly Span[])[] {
  return lines.map((line, at) => [{ words: at === 0 ? first : others, style: 2 }, ...line]);
}

/** Breaks at blanks, and inside of words that are longer than a line. */
function wrap(spans: readonly Span[], width: number): readonly (readonly Span[])[] {
  const lines: Span[][] = [[]];
  let column = 0;
  const breakLine = () => {
    lines.push([]);
    column = 0;
  };
  for (const { words, style } of spans) {
    for (const piece of words.split(/(\n| )/)) {
      if (piece === '\n') {
        breakLine();
        continue;
      }
      for (const part of partsOf(piece, width)) {
        const length = widthOf(part);
        if (column + length > width && part !== ' ') breakLine();
        if (part === ' ' && column + 1 > width) continue;
        lines.at(-1)?.push({ words: part, ...(style !== undefined && { style }) });
        column += length;
      }
    }
  }
  return lines;
}

function partsOf(piece: string, width: number): readonly string[] {
  const characters = [...piece];
  if (characters.length <= width) return piece === '' ? [] : [piece];
  const count = Math.ceil(characters.length / width);
  return Array.from({ length: count }, (_, at) =>
    characters.slice(at * width, (at + 1) * width).join(''),
  );
}

/** Columns that a text takes: signs and East Asian letters take two. */
function widthOf(words: string): number {
  let columns = 0;
  for (const character of words) columns += WIDE.test(character) ? 2 : 1;
  return columns;
}

const WIDE =
  /\p{Emoji_Presentation}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function plainOf(line: readonly Span[]): string {
  return line.map(({ words }) => words).join('');
}

function painted(line: readonly Span[]): string {
  return line
    .map(({ words, style }) => (style === undefined ? words : `\u001b[${style}m${words}\u001b[0m`))
    .join('');
}
