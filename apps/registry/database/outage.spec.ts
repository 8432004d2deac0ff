import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import { QueryFailedError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { ViceError } from '#libs/errors';
import { isOutage, outageAsUnavailable } from './outage.js';

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
  ])('is an outage: %s', (_, error) => {
    expect(isOutage(error)).toBe(true);
    expect(outageAsUnavailable(error)).toMatchObject({ code: 'UNAVAILABLE', status: 503, retryAfter: 2, cause: error });
  });

  it.each([
    ['a unique key', fromPostgres('23505')],
    ['a wrong statement', new QueryFailedError('SELEC', [], fromPostgres('42601'))],
    ['a fault of ours', new TypeError('x is undefined')],
    ['an error of ours', new ViceError('IMAGE_NOT_FOUND', 'timeout exceeded when trying to connect')],
    ['nothing', undefined],
  ])('is none: %s', (_, error) => {
    expect(isOutage(error)).toBe(false);
    expect(outageAsUnavailable(error)).toBe(error);
  });
});
