import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { ViceError } from '#libs/errors';
import { createLogger } from '#libs/observability';
import { explained, isOutage } from './outage.js';

const UNAVAILABLE = { code: 'UNAVAILABLE', status: 503, retryAfter: 2 };
const answers = () => Promise.resolve();
const answersNot = () => Promise.reject(fromNode('ECONNREFUSED'));
const logger = createLogger('test', 'silent');
const fromPostgres = (code: string) => Object.assign(new DatabaseError(code, 1, 'error'), { code });
const fromNode = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('an error of the database', () => {
  it.each([
    ['ended by its administrator', fromPostgres('57P01')],
    ['crashed', fromPostgres('57P02')],
    ['starting up', fromPostgres('57P03')],
    ['out of connections', fromPostgres('53300')],
    ['out of disk', fromPostgres('53100')],
    ['a standby', fromPostgres('25006')],
    ['a broken connection', fromPostgres('08006')],
    ['through TypeORM', new QueryFailedError('SELECT 1', [], fromPostgres('57P01'))],
    ['through TypeORM, without a code', new QueryFailedError('SELECT 1', [], new Error('Connection terminated unexpectedly'))],
    ['a runner whose connection went', new QueryRunnerAlreadyReleasedError()],
    ['nothing listening', fromNode('ECONNREFUSED')],
    ['nothing listening at any address', new AggregateError([fromNode('ECONNREFUSED'), fromNode('EHOSTUNREACH')])],
    ['no connection in time', new Error('timeout exceeded when trying to connect')],
    ['no connection in time, by its own clock', new Error('timeout expired')],
    ['a statement for a socket that is gone', fromNode('ERR_STREAM_DESTROYED')],
    ['a client that is over', new Error('Client has encountered a connection error and is not queryable')],
  ])('is an outage: %s', async (_, error) => {
    expect(isOutage(error)).toBe(true);
    expect(await explained(error, answers, logger)).toMatchObject({ ...UNAVAILABLE, cause: error });
  });

  it.each([
    ['a unique key', fromPostgres('23505')],
    ['a wrong statement', new QueryFailedError('SELEC', [], fromPostgres('42601'))],
    ['a fault of ours', new TypeError('x is undefined')],
    ['an error of ours', new ViceError('IMAGE_NOT_FOUND', 'timeout exceeded when trying to connect')],
    ['nothing', undefined],
  ])('is none: %s', async (_, error) => {
    expect(isOutage(error)).toBe(false);
    expect(await explained(error, answers, logger)).toBe(error);
  });

  it('counts as one, whatever it is, when it came while the database does not answer', async () => {
    const error = new TypeError('x is undefined');
    expect(await explained(error, answersNot, logger)).toMatchObject({ ...UNAVAILABLE, cause: error });
    const refusal = new ViceError('IMAGE_NOT_FOUND', 'there is none');
    expect(await explained(refusal, answersNot, logger)).toBe(refusal);
  });
});
