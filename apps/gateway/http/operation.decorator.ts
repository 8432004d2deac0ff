import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiExtraModels, ApiOperation, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { xmlModelOf } from '../bodies/xml-models.js';
import { AnswerModel } from './answer.guard.js';

const BODY_TYPES = ['application/json', 'application/xml'];

interface OperationOptions {
  summary: string;
  description?: string;
  /** 200 where it is absent. */
  status?: number;
  /** The class of the answer, in a list where there are several; or what else it is; an empty answer where it is absent. */
  answers?: Type | [Type] | 'bytes' | 'events';
  takes?: Type;
  /** The statuses of its problems, in words. */
  problems: Readonly<Record<number, string>>;
  /** Headers of the answer, and what they tell. */
  headers?: Readonly<Record<string, string>>;
}

/** One operation of the API: its id and documentation, its status, and the model of its answer, which is given as JSON or as XML. */
export function Operation(operationId: string, options: OperationOptions): MethodDecorator {
  const { summary, description, status = 200, answers, takes, problems, headers } = options;
  return applyDecorators(
    HttpCode(status),
    ApiOperation({ operationId, summary, description }),
    ...documentedAnswer(status, answers, headers),
    ...(takes ? [ApiConsumes(...BODY_TYPES), ApiBody({ required: true, type: takes })] : []),
    ...documentedProblems({ ...problemsOfAny(options), ...problems }),
  );
}

/** What can go wrong with every operation, with those that take a login, and with those that answer with more than a status. */
function problemsOfAny({ answers, problems }: OperationOptions): Record<number, string> {
  const any: Record<number, string> = { 500: 'Internal Server Error', 503: 'A part of the service does not answer' };
  if (401 in problems) any[429] = 'Too many failed logins for this name';
  if (answers) any[406] = 'Accept names nothing that this can be answered as';
  return any;
}

function documentedProblems(problems: Readonly<Record<number, string>>): MethodDecorator[] {
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  return Object.entries(problems).map(([status, description]) => ApiResponse({ status: Number(status), description, content }));
}

function documentedAnswer(
  status: number,
  answers: OperationOptions['answers'],
  headers: OperationOptions['headers'],
): MethodDecorator[] {
  if (!answers) return [ApiResponse({ status, description: 'Done; the body is empty' })];
  if (answers === 'events') {
    const content = { 'text/event-stream': { schema: { type: 'string' as const } } };
    return [ApiResponse({ status, description: 'Changes as they happen', content })];
  }
  if (answers === 'bytes') return documentedBytes();
  const [type] = [answers].flat() as [Type];
  return [
    AnswerModel(xmlModelOf(type)),
    ApiExtraModels(type),
    ApiResponse({
      status,
      description: 'Done',
      ...(headers && { headers: headersDocumented(headers) }),
      ...contentOf(answers, BODY_TYPES),
    }),
  ];
}

function headersDocumented(headers: Readonly<Record<string, string>>) {
  const schema = { type: 'string' as const };
  return Object.fromEntries(Object.entries(headers).map(([name, description]) => [name, { description, schema }]));
}

function documentedBytes(): MethodDecorator[] {
  const schema = { type: 'string' as const, format: 'binary' };
  const content = { 'application/octet-stream': { schema }, 'application/octet': { schema } };
  return [
    ApiResponse({ status: 200, description: 'The bytes', content }),
    ApiResponse({ status: 206, description: 'A range of the bytes', content }),
    ApiResponse({ status: 304, description: 'The client has them already' }),
  ];
}

function contentOf(types: Type | [Type], mediaTypes: readonly string[]) {
  const [type] = [types].flat() as [Type];
  const one = { $ref: getSchemaPath(type) };
  const list = Array.isArray(types);
  return {
    content: Object.fromEntries(
      mediaTypes.map((mediaType) => [mediaType, { schema: list ? listSchema(type, one, mediaType) : one }]),
    ),
  };
}

/** The root element of a list is in no model, so it stands here. */
function listSchema(type: Type, items: { $ref: string }, mediaType: string) {
  const xml = mediaType === 'application/json' ? {} : { xml: { name: pluralOf(type), wrapped: true } };
  return { type: 'array' as const, items, ...xml };
}

const pluralOf = (type: Type): string => `${xmlModelOf(type)}s`;
