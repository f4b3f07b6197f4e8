"""What the detail panes say: rows made from the store, one module a pane."""
