"""Paper letters as print-ready PDF/A-2b (BOX-11): set by Typst, whose output is equal for equal input."""
