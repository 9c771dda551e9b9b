"""Where training crops come from: folders, zip and tar archives, RecordIO files."""
