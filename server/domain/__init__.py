"""The rules of the post: pure functions and frozen values, no input or output."""
