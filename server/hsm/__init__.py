"""Keys that sign for the post, behind one small interface (`server.hsm.keys`)."""
