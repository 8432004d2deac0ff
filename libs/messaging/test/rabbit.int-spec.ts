import { afterAll, describe } from '@jest/globals';
import { describeWith, rabbitmq } from '#libs/testing';
import { brokerSuite } from './broker-suite.js';
import { jobSuite } from './job-suite.js';
import { RabbitPlace } from './rabbit-place.js';
import { rabbitSuite } from './rabbit-suite.js';

await describeWith([rabbitmq()], 'over the RabbitMQ of this machine', (url) => {
  const place = new RabbitPlace(url);
  afterAll(() => place.clear());
  describe('a broker', () => brokerSuite(() => place.open()));
  describe('RabbitMQ', () => rabbitSuite(() => place));
  describe('a worker', () => jobSuite(() => place.open()));
});
