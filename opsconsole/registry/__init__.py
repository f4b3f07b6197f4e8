"""Model versions, their evidence, gates, promotion and the link that consumers read."""
