"""The page on which people answer flags: cards, answers, undo, blind mode, audits, and the server on this machine.

``places`` hides buckets and folders from the rest. ``answering`` writes and takes back labels. ``cards`` says what
the browser gets to know of a cell, and ``listing`` in which order cells come. ``desk`` ties them together for one
reviewer. ``server`` speaks HTTP, ``guard`` refuses all but the page itself, and ``page`` is what runs in the browser.
"""
