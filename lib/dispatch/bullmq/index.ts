export { bullmq, type BullMqOptions, type BullMqAsyncOptions } from './bullmq.queue.js';
