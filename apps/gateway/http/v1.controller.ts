import { applyDecorators, Controller, UseGuards } from '@nestjs/common';
import { ApiBasicAuth, ApiExtraModels, ApiTags } from '@nestjs/swagger';
import { Problem } from '#libs/contracts';
import { LoginGuard } from '../login/login.guard.js';
import { AnswerGuard } from './answer.guard.js';

/** Everything under `/v1`: a login first, then the form of the answer. */
export const V1Controller = (tag: string): ClassDecorator =>
  applyDecorators(Controller('v1'), ApiTags(tag), ApiBasicAuth(), ApiExtraModels(Problem), UseGuards(LoginGuard, AnswerGuard));
