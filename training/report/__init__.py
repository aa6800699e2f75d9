"""Reports: self-contained HTML pages, one look for all."""
