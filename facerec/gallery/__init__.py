"""The gallery: people and their Templates in SQLite; the database is the truth."""
