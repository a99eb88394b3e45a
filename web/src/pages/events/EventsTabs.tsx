import { Link } from '@tanstack/react-router';

/** Two ways to ask the log. */
export function EventsTabs() {
  return (
    <nav className="tabs-list events-tabs" aria-label="Ways to ask">
      <Link to="/events" className="tab" activeOptions={{ exact: true, includeSearch: false }}>
        Events
      </Link>
      <Link to="/events/sql" className="tab" activeOptions={{ includeSearch: false }}>
        SQL
      </Link>
    </nav>
  );
}
