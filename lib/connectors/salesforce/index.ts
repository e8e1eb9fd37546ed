export { salesforce } from './salesforce.source.js';
export type { SalesforceLogin, SalesforceObjectOptions, SalesforceOptions } from './salesforce.options.js';
export { OnSalesforceChange, type OnSalesforceChangeOptions } from './on-salesforce-change.decorator.js';
