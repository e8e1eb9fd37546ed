const UPSERT = `INSERT INTO invoice_copy (id, customer, status, amount_due, event_id) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (id) DO UPDATE SET customer = EXCLUDED.customer, status = EXCLUDED.status,
    amount_due = EXCLUDED.amount_due, event_id = EXCLUDED.event_id`;

/** The one row that every variant writes: text and values. */
export function upsertOf({ id, customer, status, amount_due }, eventId) {
  return [UPSERT, [id, customer, status, amount_due, eventId]];
}
