import { describe } from '@jest/globals';
import { createBroker } from '../create-broker.js';
import { brokerSuite } from './broker-suite.js';
import { jobSuite } from './job-suite.js';
import { quiet } from './rabbit-place.js';

const open = () => createBroker({ amqpUrl: null, queuePrefix: 'vice', logger: quiet });

describe('in one process', () => {
  describe('a broker', () => brokerSuite(open));
  describe('a worker', () => jobSuite(open));
});
