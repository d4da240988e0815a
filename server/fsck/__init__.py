"""Derives the log anew from the stored bytes, and tells what does not fit (`namak-server log fsck`)."""
