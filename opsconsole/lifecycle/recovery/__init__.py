"""A store that is lost or damaged, made whole from what lies beside it."""
