import { afterAll, beforeAll, describe } from '@jest/globals';
import { startBroker, type BrokerVersion, type TestBroker } from '#libs/testing';
import { brokerSuite } from './broker-suite.js';
import { jobSuite } from './job-suite.js';
import { deliveryTimeoutSuite } from './delivery-timeout-suite.js';
import { outageSuite } from './outage-suite.js';
import { RabbitPlace } from './rabbit-place.js';
import { rabbitSuite } from './rabbit-suite.js';

/** The first start of a release may have to fetch it. */
const START_MS = 300_000;

/** All rules, on RabbitMQs of this release which the test starts, cuts off, kills and chokes. */
export function ownRabbitSuite(version: BrokerVersion): void {
  const own = (conf: string[], suite: (rabbit: () => TestBroker) => void) => () => {
    let rabbit: TestBroker | undefined;
    beforeAll(async () => {
      rabbit = await startBroker(version, conf);
    }, START_MS);
    afterAll(() => rabbit?.stop(), START_MS);
    suite(() => rabbit as TestBroker);
  };
  const all = (rabbit: () => TestBroker) => {
    let place: RabbitPlace;
    beforeAll(() => {
      place = new RabbitPlace(rabbit().url);
    });
    describe('a broker', () => brokerSuite(() => place.open()));
    describe('RabbitMQ', () => rabbitSuite(() => place));
    describe('a worker', () => jobSuite(() => place.open()));
    describe('an outage', () => outageSuite(rabbit));
  };
  describe('that runs', own([], all));
  describe('with a delivery timeout of 5 s', own(['consumer_timeout = 5000'], deliveryTimeoutSuite));
}
