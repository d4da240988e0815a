"""The story of the demo: an agency sends, a citizen confirms, a stranger verifies."""
