import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ViceNestLogger } from '#libs/observability';
import { collectBodies } from './bodies/raw-body.js';
import { GatewayModule, type GatewayParts } from './gateway.module.js';
import { AllowedMethods } from './http/allowed-methods.js';
import { httpServer } from './http/http-server.js';
import { ProblemFilter } from './http/problem.filter.js';

/**
 * The Nest application, not yet listening. What a request passes: http-server.ts (id, log line; a body is collected, not parsed), the guards
 * of v1.controller.ts (login, then JSON or XML), the decorators of the parameters (ids, query, `@Input` parses and checks the body), its
 * controller, and where anything raises, problem.filter.ts.
 * @param preview describe the routes only, and make no part of what is behind them */
export async function createGateway(parts: GatewayParts, preview = false): Promise<NestFastifyApplication> {
  const adapter = httpServer(parts.logger, parts.metrics);
  const allowed = AllowedMethods.of(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.register(parts), adapter, {
    logger: new ViceNestLogger(parts.logger),
    bodyParser: false,
    abortOnError: false,
    preview,
  });
  collectBodies(adapter.getInstance());
  app.useGlobalFilters(new ProblemFilter(allowed, parts.logger));
  return app;
}
