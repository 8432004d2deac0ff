import { describeWith, rabbitmqOwn } from '#libs/testing';
import { ownRabbitSuite } from './own-rabbit-suite.js';

await describeWith([rabbitmqOwn('4')], 'over a RabbitMQ 4.0', ownRabbitSuite);
