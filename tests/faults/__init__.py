"""What breaks, broken on purpose: the process, the store, the disk."""
