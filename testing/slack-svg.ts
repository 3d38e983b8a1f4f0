import type {
  ActionsBlock,
  Button,
  ContextBlock,
  KnownBlock,
  RichTextBlockElement,
  RichTextElement,
} from '@slack/types';
import type { Message } from '../slack/render.ts';

/** Draws a message about as Slack does, for the documentation: plain SVG text, so that no browser is needed to make it. */

type Style = 'plain' | 'bold' | 'code' | 'quiet' | 'mono' | 'title';
type Span = { readonly words: string; readonly style: Style };
type Line = readonly Span[];
/** What has been drawn so far, and where the next block begins. */
type Canvas = { readonly shapes: string[]; y: number };

const WIDTH = 760;
const LEFT = 68;
const RIGHT = 20;
const TEXT_WIDTH = WIDTH - LEFT - RIGHT;
const SANS = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace';
const INK = '#1d1c1d';
const GREY = '#616061';
const BORDER = '#d0d0d0';

const STYLES: Readonly<
  Record<Style, { readonly size: number; readonly css: string; readonly height: number }>
> = {
  plain: { size: 14.5, css: `fill="${INK}"`, height: 21 },
  bold: { size: 14.5, css: `fill="${INK}" font-weight="700"`, height: 21 },
  code: { size: 13, css: `fill="#c01343" font-family="${MONO}"`, height: 21 },
  quiet: { size: 12.5, css: `fill="${GREY}"`, height: 18 },
  mono: { size: 12.5, css: `fill="${INK}" font-family="${MONO}"`, height: 18 },
  title: { size: 18, css: `fill="${INK}" font-weight="800"`, height: 26 },
};

/** The whole picture; equal messages give equal pictures. */
export function renderSvg({ text, blocks }: Message): string {
  const canvas: Canvas = { shapes: [], y: 20 };
  drawSender(canvas);
  for (const block of blocks) drawBlock(canvas, block);
  const height = Math.ceil(canvas.y + 14);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="${SANS}">`,
    `<title>${asXml(text)}</title>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10" fill="#ffffff" stroke="${BORDER}"/>`,
    ...canvas.shapes,
    '</svg>',
    '',
  ].join('\n');
}

function drawSender({ shapes }: Canvas): void {
  shapes.push(
    '<rect x="20" y="18" width="36" height="36" rx="7" fill="#3f46ad"/>',
    '<path d="M30 41 V31 H38 M34 27 L38 31 L34 35 M46 31 V41 H38 M42 45 L38 41 L42 37" fill="none" stroke="#ffffff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/>',
    `<text x="${LEFT}" y="31" font-size="15" font-weight="800" fill="${INK}">Realign</text>`,
    `<rect x="${LEFT + 62}" y="19" width="32" height="15" rx="3" fill="#e8e8e8"/>`,
    `<text x="${LEFT + 78}" y="30.5" font-size="10" font-weight="700" fill="${GREY}" text-anchor="middle">APP</text>`,
  );
}

function drawBlock(canvas: Canvas, block: KnownBlock): void {
  switch (block.type) {
    case 'header':
      canvas.y += 18;
      drawLines(canvas, wrap([{ words: block.text.text, style: 'title' }], TEXT_WIDTH), LEFT);
      break;
    case 'context':
      canvas.y += 4;
      drawLines(canvas, wrap(contextSpans(block), TEXT_WIDTH), LEFT);
      break;
    case 'rich_text':
      canvas.y += 8;
      for (const element of block.elements) drawRich(canvas, element);
      break;
    case 'actions':
      canvas.y += 10;
      drawActions(canvas, block);
      break;
    case 'divider':
      canvas.y += 12;
      canvas.shapes.push(
        `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${canvas.y}" y2="${canvas.y}" stroke="#e4e4e4"/>`,
      );
      break;
    default:
      throw new Error(`a picture has no ${block.type}`);
  }
}

function contextSpans({ elements }: ContextBlock): Line {
  const texts = elements.flatMap((one) => ('text' in one ? [withoutMarkup(one.text)] : []));
  return [{ words: texts.join('  ·  '), style: 'quiet' }];
}

function withoutMarkup(words: string): string {
  return words.replaceAll(/<!date\^\d+\^[^|>]*\|([^>]*)>/g, '$1');
}

function drawRich(canvas: Canvas, element: RichTextBlockElement): void {
  switch (element.type) {
    case 'rich_text_section':
      drawLines(canvas, wrap(element.elements.map(spanOf), TEXT_WIDTH), LEFT);
      break;
    case 'rich_text_list': {
      const indent = LEFT + 22 * (1 + (element.indent ?? 0));
      for (const item of element.elements) {
        const lines = wrap(item.elements.map(spanOf), WIDTH - RIGHT - indent);
        canvas.shapes.push(dot(indent - 12, canvas.y + 11, (element.indent ?? 0) > 0));
        drawLines(canvas, lines, indent);
      }
      break;
    }
    case 'rich_text_quote': {
      const top = canvas.y + 3;
      drawLines(canvas, wrap(element.elements.map(spanOf), TEXT_WIDTH - 16), LEFT + 16);
      const height = canvas.y - top + 2;
      canvas.shapes.push(
        `<rect x="${LEFT}" y="${top}" width="4" height="${round(height)}" rx="2" fill="#dddddd"/>`,
      );
      break;
    }
    case 'rich_text_preformatted':
      drawCodeBlock(
        canvas,
        element.elements.map((one) => one.text ?? ''),
      );
      break;
  }
}

function dot(x: number, y: number, isHollow: boolean): string {
  const fill = isHollow ? `fill="#ffffff" stroke="${INK}"` : `fill="${INK}"`;
  return `<circle cx="${x}" cy="${round(y)}" r="2.6" ${fill}/>`;
}

function drawCodeBlock(canvas: Canvas, words: readonly string[]): void {
  const lines = words
    .join('')
    .split('\n')
    .flatMap((one) => wrap([{ words: one, style: 'mono' }], TEXT_WIDTH - 24));
  canvas.y += 4;
  const height = lines.length * STYLES.mono.height + 14;
  canvas.shapes.push(
    `<rect x="${LEFT}" y="${round(canvas.y)}" width="${TEXT_WIDTH}" height="${height}" rx="4" fill="#f8f8f8" stroke="#dddddd"/>`,
  );
  canvas.y += 6;
  drawLines(canvas, lines, LEFT + 12);
  canvas.y += 12;
}

function spanOf(element: RichTextElement): Span {
  switch (element.type) {
    case 'text':
      return {
        words: element.text,
        style: element.style?.bold ? 'bold' : element.style?.code ? 'code' : 'plain',
      };
    case 'date':
      return { words: element.fallback ?? '', style: 'plain' };
    case 'user':
      return { words: `@${element.user_id}`, style: 'bold' };
    case 'usergroup':
      return { words: `@${element.usergroup_id}`, style: 'bold' };
    default:
      throw new Error(`a picture has no ${element.type}`);
  }
}

function drawActions(canvas: Canvas, { elements }: ActionsBlock): void {
  let x = LEFT;
  for (const element of elements) {
    const label = element.type === 'button' ? element.text.text : '⋯';
    const width =
      element.type === 'button'
        ? Math.ceil(widthOf(label, 'bold')) + (isLink(element) ? 44 : 26)
        : 40;
    if (x + width > WIDTH - RIGHT) {
      x = LEFT;
      canvas.y += 42;
    }
    canvas.shapes.push(...drawButton(label, x, canvas.y, width, element));
    x += width + 8;
  }
  canvas.y += 38;
}

function drawButton(
  label: string,
  x: number,
  y: number,
  width: number,
  element: ActionsBlock['elements'][number],
): readonly string[] {
  const isPrimary = element.type === 'button' && isPrimaryButton(element);
  const [fill, ink, edge] = isPrimary
    ? ['#007a5a', '#ffffff', '#007a5a']
    : ['#ffffff', INK, '#bbbbbb'];
  const arrow = isLink(element) ? ' ↗' : '';
  return [
    `<rect x="${x}" y="${round(y)}" width="${width}" height="34" rx="7" fill="${fill}" stroke="${edge}"/>`,
    `<text x="${x + width / 2}" y="${round(y + 22)}" font-size="14" font-weight="700" fill="${ink}" text-anchor="middle">${asXml(label + arrow)}</text>`,
  ];
}

function isLink(element: ActionsBlock['elements'][number]): boolean {
  return element.type === 'button' && element.url !== undefined;
}

function isPrimaryButton({ style }: Button): boolean {
  return style === 'primary';
}

/** One text element a line: spans follow each other wherever the reader's font puts them, so that none overlap. */
function drawLines(canvas: Canvas, lines: readonly Line[], x: number): void {
  for (const line of lines) {
    const heights = line.map(({ style }) => STYLES[style].height);
    const height = Math.max(0, ...heights) || STYLES.plain.height;
    canvas.y += height;
    const spans = merged(line).map(({ words, style }) => {
      const { size, css } = STYLES[style];
      return `<tspan font-size="${size}" ${css}>${asXml(words)}</tspan>`;
    });
    if (spans.length === 0) continue;
    canvas.shapes.push(
      `<text x="${x}" y="${round(canvas.y - height * 0.25)}" xml:space="preserve">${spans.join('')}</text>`,
    );
  }
}

function merged(line: Line): Line {
  const out: Span[] = [];
  for (const span of line) {
    const last = out.at(-1);
    if (last?.style === span.style)
      out[out.length - 1] = { ...last, words: last.words + span.words };
    else out.push(span);
  }
  return out;
}

/** Breaks at blanks, and inside of words that are longer than a line. */
function wrap(spans: Line, max: number): readonly Line[] {
  const lines: Span[][] = [[]];
  let used = 0;
  const breakLine = () => {
    lines.push([]);
    used = 0;
  };
  for (const { words, style } of spans) {
    for (const piece of words.split(/(\n| )/)) {
      if (piece === '\n') breakLine();
      else if (piece === ' ' && (used + widthOf(' ', style) > max || isLost(lines, used, style)))
        continue;
      else
        for (const part of partsOf(piece, style, max)) {
          const width = widthOf(part, style);
          if (used > 0 && used + width > max) breakLine();
          lines.at(-1)?.push({ words: part, style });
          used += width;
        }
    }
  }
  return lines;
}

/** A blank where a line was broken is not drawn. */
function isLost(lines: readonly Line[], used: number, style: Style): boolean {
  return used === 0 && lines.length > 1 && style !== 'mono';
}

function partsOf(piece: string, style: Style, max: number): readonly string[] {
  if (piece === '' || widthOf(piece, style) <= max) return piece === '' ? [] : [piece];
  const characters = [...piece];
  const each = Math.max(1, Math.floor((characters.length * max) / widthOf(piece, style)) - 1);
  return Array.from({ length: Math.ceil(characters.length / each) }, (_, at) =>
    characters.slice(at * each, (at + 1) * each).join(''),
  );
}

/** About what common fonts need, rather more. */
function widthOf(words: string, style: Style): number {
  const { size } = STYLES[style];
  let width = 0;
  for (const character of words) width += emOf(character, style) * size;
  return style === 'bold' || style === 'title' ? width * 1.06 : width;
}

function emOf(character: string, style: Style): number {
  if (/\p{Emoji_Presentation}/u.test(character)) return 1.35;
  if (style === 'mono' || style === 'code') return 0.61;
  if (/[ijlI.,:;|!'’()[\]]/.test(character)) return 0.3;
  if (/[mwMW@…→]/.test(character)) return 0.9;
  return /[A-Z]/.test(character) ? 0.67 : 0.52;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function asXml(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
