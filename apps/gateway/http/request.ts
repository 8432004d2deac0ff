import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type User } from '#libs/contracts';
import { type QueryParameters } from '../bodies/query.js';

/** A request under `/v1` after the login was checked; `user` is null where nobody logged in. */
export interface GatewayRequest extends FastifyRequest {
  user: User | null;
  query: QueryParameters;
  /** Runs something as work on this request. */
  atWork: <T>(run: () => T) => T;
}

export type GatewayReply = FastifyReply;
