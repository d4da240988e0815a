"""The post's own feed of public notices as anybody reads it: documents, and who hands them out."""
