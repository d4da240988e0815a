"""Profiles of jurisdictions: data only, over the same services."""
