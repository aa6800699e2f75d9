"""Erases all traces of images: their versions, documents, lines of the ledger and messages."""
