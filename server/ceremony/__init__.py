"""Key ceremonies: keys made and checked before witnesses, and the protocol that goes into the file."""
