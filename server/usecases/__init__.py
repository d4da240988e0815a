"""What the system does. Only this code opens units of work and commits; it shows the order of effects."""
