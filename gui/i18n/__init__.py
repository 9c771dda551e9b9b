"""The languages of the window: catalogues of sentences in Qt's .ts format, read as they are."""
