"""Reading what tests and coverage tools leave: JUnit as runners really write it, attempts, coverage."""
