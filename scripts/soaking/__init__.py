"""Whether anything is lost when processes are killed at random: the real post, and an account at the end."""
