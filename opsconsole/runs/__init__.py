"""Plan, supervise and record runs."""
