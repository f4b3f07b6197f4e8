"""The Textual app: wiring, actions, tabs, dialogs, widgets."""
