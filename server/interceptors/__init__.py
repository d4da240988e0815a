"""What happens around every call: context, access log, errors, deadline, identity, access, streams."""
