import type { ServerResponse } from 'node:http';
import type { JsonObject, JsonValue } from '../drift/json.ts';

/** Events as Anthropic streams a message: https://platform.claude.com/docs/en/build-with-claude/streaming */

const PIECE_LENGTH = 40;
const TEXT_INDEX = 1;
const INPUT_USAGE = {
  input_tokens: 400,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 600,
};
const OUTPUT_TOKENS = 200;

/** Headers, the start of the message, and its empty thinking. */
export function beginStream(response: ServerResponse, model: JsonValue | undefined): void {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'request-id': 'req_test',
  });
  const message = {
    ...{ id: 'msg_test', type: 'message', role: 'assistant', model: model ?? null, content: [] },
    ...{ stop_reason: null, stop_sequence: null },
    usage: { ...INPUT_USAGE, output_tokens: 1 },
  };
  send(response, 'message_start', { message });
  const thinking = { type: 'thinking', thinking: '', signature: '' };
  send(response, 'content_block_start', { index: 0, content_block: thinking });
  send(response, 'ping', {});
  const signed = { type: 'signature_delta', signature: 's' };
  send(response, 'content_block_delta', { index: 0, delta: signed });
  send(response, 'content_block_stop', { index: 0 });
}

/** The text in pieces, without the end of its block. */
export function sendEvents(response: ServerResponse, text: string): void {
  const block = { type: 'text', text: '' };
  send(response, 'content_block_start', { index: TEXT_INDEX, content_block: block });
  for (let at = 0; at < text.length; at += PIECE_LENGTH) {
    const delta = { type: 'text_delta', text: text.slice(at, at + PIECE_LENGTH) };
    send(response, 'content_block_delta', { index: TEXT_INDEX, delta });
  }
}

/** The text, and the end of everything. */
export function finishStream(
  response: ServerResponse,
  text: string,
  stopReason = 'end_turn',
): void {
  sendEvents(response, text);
  send(response, 'content_block_stop', { index: TEXT_INDEX });
  const delta = { stop_reason: stopReason, stop_sequence: null };
  send(response, 'message_delta', { delta, usage: { output_tokens: OUTPUT_TOKENS } });
  send(response, 'message_stop', {});
  response.end();
}

/** What comes instead of the rest. */
export function sendError(response: ServerResponse, type: string): void {
  send(response, 'error', { error: { type, message: 'as scripted' } });
  response.end();
}

function send(response: ServerResponse, event: string, data: JsonObject): void {
  response.write(`event: ${event}\ndata: ${JSON.stringify({ type: event, ...data })}\n\n`);
}
