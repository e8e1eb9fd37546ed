export { bull, type BullOptions, type BullAsyncOptions } from './bull.queue.js';
