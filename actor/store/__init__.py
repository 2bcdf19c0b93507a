"""Where the coordinator's records are kept: one seam (`base`), one module per backend."""
