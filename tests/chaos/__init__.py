"""A real crew at work while its members are killed and frozen: `make chaos`."""
