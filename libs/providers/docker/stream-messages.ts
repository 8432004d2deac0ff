import { type Readable } from 'node:stream';
import { EngineAnswer } from './engine-errors.js';

/** One line of what an engine says while it loads, builds or imports. */
export interface StreamMessage {
  stream?: string;
  status?: string;
  aux?: { ID?: string };
}

const MAX_LINE_BYTES = 2 ** 20;

/**
 * The messages of a 200 answer, in order. An engine that fails after it began to answer says so in its last line only: raised as EngineAnswer
 * 500 `inStream`.
 */
export async function* streamMessages(answer: Readable): AsyncGenerator<StreamMessage> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES) throw new EngineAnswer(502, 'a line of its answer is too long');
    for (const line of lines) yield* message(line);
  }
  yield* message(rest);
}

function* message(line: string): Generator<StreamMessage> {
  if (line.trim() === '') return;
  const said = parsed(line);
  const failure = failureIn(said);
  if (failure !== null) throw new EngineAnswer(500, failure, { inStream: true });
  if (typeof said === 'object' && said !== null) yield said;
}

/** What an engine's line says went wrong; null: nothing. */
export function failureIn(said: unknown): string | null {
  if (typeof said !== 'object' || said === null) return null;
  const { error, errorDetail, message } = said as { error?: unknown; errorDetail?: { message?: unknown }; message?: unknown };
  const failure = errorDetail?.message ?? error ?? message;
  return failure === undefined || failure === null ? null : String(failure).trim();
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new EngineAnswer(502, `its answer is not understood: ${line.slice(0, 200)}`);
  }
}
