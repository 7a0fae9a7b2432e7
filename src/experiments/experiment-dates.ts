import { datesReversed } from './experiment.errors.js';

/**
 * Both in the same form (RFC 3339, UTC, milliseconds), so that their order is that of their text.
 *
 * @throws StationError EXPERIMENT_DATES_REVERSED
 */
export function assertDatesInOrder(dates: { startDate: string | null; endDate: string | null }): void {
  if (dates.startDate !== null && dates.endDate !== null && dates.endDate < dates.startDate) {
    throw datesReversed();
  }
}
