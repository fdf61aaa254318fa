"""Files that people bring: opened, decoded, and read row by row as lines, CSV or JSON."""
