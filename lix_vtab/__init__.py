"""Version control for structured data and files inside SQLite."""
