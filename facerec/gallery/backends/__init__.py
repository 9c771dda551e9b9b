"""The databases a gallery may lie in; everything only one of them needs is in its module here."""
